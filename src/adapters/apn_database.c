/*
 * The provider database, see adapters/apn_database.h. libexpat walks the file once; kept are the provider
 * that is being read and the best one so far, both of fixed size. Whatever declares an entity, nests deeper
 * than the format does or is too large stops the walk: the real file does none of it.
 */
#include "adapters/apn_database.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <expat.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX         16
#define APNS_MAX          16
#define PROVIDER_NAME_MAX 64
#define DIGITS            "0123456789"

struct provider {
        char name[PROVIDER_NAME_MAX];
        unsigned mnc_digits; /* of the number that fitted, 0: none did */
        int primary;         /* 1 the network's own, -1 an MVNO, 0 not said */
        unsigned n_apns;
        char apns[APNS_MAX][PROVISION_APN_MAX];
};

struct walk {
        XML_Parser parser;
        const char *imsi;
        unsigned mnc_digits;
        const char *wanted; /* name of the provider */
        bool refused;
        unsigned depth;
        bool in_gsm, in_apn;
        bool apn_usable;
        char apn[PROVISION_APN_MAX];
        char *text; /* where character data goes, NULL: nowhere */
        size_t text_length;
        struct provider current, best;
        unsigned best_score;
        unsigned best_ties; /* providers with that score */
        unsigned providers; /* with the best number of MNC digits */
        char others[192];
};

static void refuse(struct walk *walk)
{
        walk->refused = true;
        (void)XML_StopParser(walk->parser, XML_FALSE); /* fails only when it is stopped already */
}

static const char *attribute(const char **attributes, const char *name)
{
        for (; attributes[0]; attributes += 2)
                if (text_equal(attributes[0], name))
                        return attributes[1];
        return "";
}

/* The digits of MNC when network-id fits the IMSI, else 0. */
static unsigned fits(const struct walk *walk, const char *mcc, const char *mnc)
{
        size_t digits = strlen(mnc);

        if (strlen(mcc) != 3 || (digits != 2 && digits != 3) || !text_only(mnc, DIGITS, 3))
                return 0;
        if (walk->mnc_digits != 0 && walk->mnc_digits != digits)
                return 0;
        if (strncmp(walk->imsi, mcc, 3) != 0 || strncmp(walk->imsi + 3, mnc, digits) != 0)
                return 0;
        return (unsigned)digits;
}

/* One name begins with the other, up to the end of a word: "Telia" and "Telia LT". */
static bool same_name(const char *a, const char *b)
{
        size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

        if (length == 0 || strncasecmp(a, b, length) != 0)
                return false;
        return strchr(" (-", a[length]) && strchr(" (-", b[length]); /* the NUL counts too */
}

static unsigned score_of(const struct walk *walk, const struct provider *provider)
{
        return provider->mnc_digits * 100 + (same_name(provider->name, walk->wanted) ? 10 : 0) +
               (unsigned)(provider->primary + 1);
}

static void note_others(struct walk *walk, const struct provider *provider, unsigned from)
{
        char name[PROVIDER_NAME_MAX];

        (void)text_escape(name, sizeof(name), provider->name, strlen(provider->name));
        for (unsigned i = from; i < provider->n_apns; i++)
                (void)text_append(walk->others, sizeof(walk->others), "%s%s (%s)",
                                  walk->others[0] ? ", " : "", provider->apns[i], name); /* may be cut */
}

/* A provider is complete: is it better than what is there? The first of equals stays. */
static void weigh(struct walk *walk)
{
        const struct provider *current = &walk->current;

        if (current->mnc_digits == 0 || current->n_apns == 0)
                return;
        if (current->mnc_digits > walk->best.mnc_digits)
                walk->providers = 0; /* the others had the shorter number */
        if (current->mnc_digits < walk->best.mnc_digits)
                return;
        walk->providers++;
        unsigned score = score_of(walk, current);
        if (score == walk->best_score)
                walk->best_ties++;
        if (score <= walk->best_score) {
                note_others(walk, current, 0);
                return;
        }
        note_others(walk, &walk->best, 0);
        walk->best = *current;
        walk->best_score = score;
        walk->best_ties = 1;
}

/* Keeps the name for the internet once. The real file holds one with a blank behind it, and an address. */
static void keep_apn(struct walk *walk)
{
        struct provider *provider = &walk->current;

        if (!walk->apn_usable || !provision_apn_is_valid(walk->apn) || provider->n_apns == APNS_MAX)
                return;
        for (unsigned i = 0; i < provider->n_apns; i++)
                if (text_equal_nocase(provider->apns[i], walk->apn))
                        return;
        memcpy(provider->apns[provider->n_apns++], walk->apn, sizeof(walk->apn));
}

static void begin_provider(struct walk *walk, const char **attributes)
{
        const char *primary = attribute(attributes, "primary");

        walk->current = (struct provider){0};
        walk->current.primary = text_equal(primary, "true") - text_equal(primary, "false");
        walk->in_gsm = false;
        walk->in_apn = false;
}

static void begin_apn(struct walk *walk, const char **attributes)
{
        const char *value = attribute(attributes, "value");

        walk->in_apn = true;
        walk->apn_usable = strlen(value) < sizeof(walk->apn);
        text_sanitize(walk->apn, sizeof(walk->apn), value, strlen(value));
}

static void begin(void *userdata, const char *name, const char **attributes)
{
        struct walk *walk = userdata;

        walk->text = NULL;
        if (++walk->depth > DEPTH_MAX) {
                refuse(walk);
        } else if (text_equal(name, "provider")) {
                begin_provider(walk, attributes);
        } else if (text_equal(name, "gsm")) {
                walk->in_gsm = true;
        } else if (text_equal(name, "name") && !walk->in_gsm && walk->current.name[0] == '\0') {
                walk->text = walk->current.name;
                walk->text_length = 0;
        } else if (text_equal(name, "network-id") && walk->in_gsm) {
                unsigned digits = fits(walk, attribute(attributes, "mcc"), attribute(attributes, "mnc"));
                if (digits > walk->current.mnc_digits)
                        walk->current.mnc_digits = digits;
        } else if (text_equal(name, "apn") && walk->in_gsm) {
                begin_apn(walk, attributes);
        } else if (text_equal(name, "usage") && walk->in_apn) {
                walk->apn_usable = walk->apn_usable && text_equal(attribute(attributes, "type"), "internet");
        }
}

static void end(void *userdata, const char *name)
{
        struct walk *walk = userdata;

        walk->text = NULL;
        walk->depth--;
        if (text_equal(name, "apn") && walk->in_apn) {
                keep_apn(walk);
                walk->in_apn = false;
        } else if (text_equal(name, "gsm")) {
                walk->in_gsm = false;
        } else if (text_equal(name, "provider")) {
                weigh(walk);
                walk->current = (struct provider){0};
        }
}

static void characters(void *userdata, const char *data, int length)
{
        struct walk *walk = userdata;

        if (!walk->text)
                return;
        size_t room = PROVIDER_NAME_MAX - 1 - walk->text_length;
        size_t taken = (size_t)length < room ? (size_t)length : room;
        memcpy(walk->text + walk->text_length, data, taken);
        walk->text_length += taken;
        walk->text[walk->text_length] = '\0';
}

static void entity(void *userdata, const char *name, int parameter, const char *value, int length,
                   const char *base, const char *system, const char *public, const char *notation)
{
        (void)name;
        (void)parameter;
        (void)value;
        (void)length;
        (void)base;
        (void)system;
        (void)public;
        (void)notation;
        refuse(userdata);
}

static void cleanup_parser(XML_Parser *parser)
{
        XML_ParserFree(*parser); /* takes NULL */
}

static int parse(struct walk *walk, const char *text, size_t length)
{
        _cleanup_(cleanup_parser) XML_Parser parser = XML_ParserCreate(NULL);

        if (!parser)
                return -ENOMEM;
        walk->parser = parser;
        XML_SetUserData(parser, walk);
        XML_SetElementHandler(parser, begin, end);
        XML_SetCharacterDataHandler(parser, characters);
        XML_SetEntityDeclHandler(parser, entity);
        if (XML_Parse(parser, text, (int)length, XML_TRUE) != XML_STATUS_OK)
                return XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
        return walk->refused ? -EBADMSG : 0;
}

static int answer(struct walk *walk, struct apn_answer *ret_answer)
{
        struct apn_answer found = {.providers = walk->providers, .apns = walk->best.n_apns};
        const struct provider *best = &walk->best;

        if (walk->best_score == 0)
                return APN_DATABASE_UNKNOWN;
        note_others(walk, best, 1);
        found.certain = walk->best_ties == 1 && best->n_apns == 1 &&
                        (walk->providers == 1 || same_name(best->name, walk->wanted) || best->primary > 0);
        memcpy(found.apn, best->apns[0], sizeof(found.apn));
        (void)text_escape(found.provider, sizeof(found.provider), best->name, strlen(best->name));
        (void)text_copy_n(found.network, sizeof(found.network), walk->imsi, 3 + best->mnc_digits);
        memcpy(found.others, walk->others, sizeof(found.others));
        *ret_answer = found;
        return 0;
}

int apn_database_find(const char *path, const char *imsi, unsigned mnc_digits, const char *provider,
                      struct apn_answer *ret_answer)
{
        _cleanup_free_ char *text = NULL;
        struct walk walk = {.imsi = imsi, .mnc_digits = mnc_digits, .wanted = provider};
        size_t length;

        if (strlen(imsi) < 6 || !text_only(imsi, DIGITS, 15))
                return -EINVAL;
        int r = file_read(path, 0, APN_DATABASE_SIZE_MAX, &text, &length);
        if (r == -ENOENT)
                return APN_DATABASE_MISSING;
        if (r < 0)
                return r;
        r = parse(&walk, text, length);
        return r < 0 ? r : answer(&walk, ret_answer);
}
