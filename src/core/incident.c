/*
 * When an incident begins and ends, see core/incident.h.
 */
#include "core/incident.h"

#include "base/parse.h"
#include "core/record.h"

static bool tells_trouble(const struct action_list *actions)
{
        for (unsigned i = 0; i < actions->n; i++)
                if (actions->items[i].kind == ACTION_RECORD &&
                    record_kind_is_trouble(actions->items[i].record.kind))
                        return true;
        return false;
}

static void mark(usec_t id, struct action_list *actions)
{
        for (unsigned i = 0; i < actions->n; i++)
                if (actions->items[i].kind == ACTION_RECORD)
                        actions->items[i].record.incident = id;
}

static void tell_end(const struct incident *incident, usec_t now, struct action_list *actions)
{
        char lasted[32];

        format_duration(lasted, sizeof(lasted), usec_sub(now, incident->id));
        action_record(actions, RECORD_WORKING_AGAIN, SEVERITY_INFO, NULL, "SMS works again after %s", lasted)
            ->record.duration = usec_sub(now, incident->id);
}

bool incident_concerns(const struct incident *incident, const struct action_list *actions)
{
        return incident->id || tells_trouble(actions);
}

void incident_update(struct incident *incident, bool works, usec_t now, struct action_list *actions)
{
        if (!incident->id && !works && tells_trouble(actions))
                incident->id = now > 0 ? now : 1;
        if (!incident->id)
                return;
        if (works)
                tell_end(incident, now, actions);
        mark(incident->id, actions);
        if (works)
                incident->id = 0;
}
