/*
 * What the provisioning did, for the record and for a person. Values of the modem are printable and bounded
 * when they get here.
 */
#include "provision_private.h"

#include "base/text.h"

static void quote(const struct provision_rule *rule, const char *value, char *target, size_t size)
{
        const char *mark = rule->quoted ? "\"" : "";

        if (value[0] == '\0')
                (void)text_copy(target, size, "not set");
        else
                (void)text_format(target, size, "%s%s%s", mark, value, mark);
}

static void failure_to_text(const struct provision_rule *rule, const struct provision_item *item,
                            const char *to, char *target, size_t size)
{
        if (item->to[0] == '\0')
                (void)text_format(target, size, "%s could not be chosen", rule->name);
        else
                (void)text_format(target, size, "%s %s set to %s", rule->name,
                                  item->written ? "could not be" : "was not", to);
        (void)text_append(target, size, ": %s", item->error);
        if (item->from[0]) {
                char from[PROVISION_VALUE_MAX + 2];
                quote(rule, item->from, from, sizeof(from));
                (void)text_append(target, size, " (it was %s)", from);
        }
}

/* One clause: `usbnet changed from 0 to 1`. "" for what was not asked for. */
static void item_to_text(const struct provision_dialogue *dialogue, enum provision_setting setting,
                         char *target, size_t size)
{
        const struct provision_rule *rule = &provision_rules[setting];
        const struct provision_item *item = &dialogue->items[setting];
        char from[PROVISION_VALUE_MAX + 2], to[PROVISION_VALUE_MAX + 2];

        quote(rule, item->from, from, sizeof(from));
        quote(rule, item->to, to, sizeof(to));
        switch (item->outcome) {
        case PROVISION_UNWANTED:
                target[0] = '\0';
                break;
        case PROVISION_PENDING:
                (void)text_format(target, size, "%s is to be %s", rule->name, to);
                break;
        case PROVISION_SAME:
                (void)text_format(target, size, "%s is %s as asked for", rule->name, to);
                break;
        case PROVISION_CHANGED:
                (void)text_format(target, size, "%s changed from %s to %s", rule->name, from, to);
                break;
        case PROVISION_FAILED:
                failure_to_text(rule, item, to, target, size);
                break;
        }
}

static const char *const reset_clauses[] = {
    [PROVISION_RESET_NONE] = "",
    [PROVISION_RESET_OWED] = "takes effect at the modem's next reset",
    [PROVISION_RESET_SENT] = "the modem was reset",
    [PROVISION_RESET_REFUSED] = "the modem refused to reset itself",
};

int provision_to_text(const struct provision_dialogue *dialogue, char *target, size_t size)
{
        const char *separator = "";
        int r = 0;

        target[0] = '\0';
        for (unsigned i = 0; i < PROVISION_SETTINGS && r == 0; i++) {
                char clause[PROVISION_TEXT_MAX];
                item_to_text(dialogue, (enum provision_setting)i, clause, sizeof(clause));
                if (clause[0] == '\0')
                        continue;
                r = text_append(target, size, "%s%s", separator, clause);
                separator = "; ";
        }
        if (r == 0 && dialogue->reset != PROVISION_RESET_NONE)
                r = text_append(target, size, "%s%s", separator, reset_clauses[dialogue->reset]);
        return r;
}

static const char *const sentences[] = {
    [PROVISION_RUNNING] = "The modem is being set up.",
    [PROVISION_RESET_DUE] = "The modem is set up and needs a reset for it to take effect.",
    [PROVISION_DONE] = "The modem has been set up: see what was changed.",
    [PROVISION_SILENT] = "The modem stopped answering, or never did, while it was to be set up.",
    [PROVISION_STRANGER] =
        "This is not, or not surely, the modem and SIM that were to be set up: nothing more was written.",
    [PROVISION_LOST] = "The modem went, or reset itself again and again, while it was being set up.",
};

const char *provision_verdict_to_sentence(enum provision_verdict verdict)
{
        return (size_t)verdict < ARRAY_SIZE(sentences) ? sentences[verdict] : "";
}
