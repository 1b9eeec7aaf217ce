/*
 * Two sources as one sequence, see history.h. The history file pushes its entries; before each of them the
 * SMS that are older are taken out of smsd's log.
 */
#include "history.h"

#include "base/text.h"

/* A clock that was set right meanwhile says times that are still to come: those rank nothing. */
#define SLACK ((int64_t)USEC_PER_DAY)

struct walk {
        const struct history_request *request;
        int (*each)(void *userdata, const struct history_entry *entry, bool wanted);
        void *userdata;
        struct history_totals totals;
        struct smsd_log_tail tail;
        struct history_entry sms; /* the next one; event "": none is left */
        int64_t sms_rank, record_rank;
};

/* Time as a source's order tells it: never back. */
static int64_t rank(const struct walk *walk, int64_t before, int64_t at)
{
        return at > before && at <= walk->request->now + SLACK ? at : before;
}

static void fetch_sms(struct walk *walk)
{
        const char *line;
        size_t length;

        while (smsd_log_tail_next(&walk->tail, &line, &length))
                if (smsd_log_to_entry(line, length, walk->request->masked, &walk->sms)) {
                        walk->sms_rank = rank(walk, walk->sms_rank, walk->sms.at);
                        return;
                }
        walk->sms.event[0] = '\0';
}

static int tell(struct walk *walk, const struct history_entry *entry, int64_t order)
{
        unsigned topics = walk->request->topics;
        bool wanted = order >= walk->request->since && (!topics || (topics & history_topic_bits(entry)));

        walk->totals.seen++;
        walk->totals.wanted += wanted;
        if (entry->at > walk->totals.last)
                walk->totals.last = entry->at;
        return walk->each(walk->userdata, entry, wanted);
}

static int tell_sms_until(struct walk *walk, int64_t end)
{
        while (walk->sms.event[0] && walk->sms_rank <= end) {
                int r = tell(walk, &walk->sms, walk->sms_rank);
                if (r != 0)
                        return r;
                fetch_sms(walk);
        }
        return 0;
}

static int take_record(void *userdata, const struct history_entry *entry)
{
        struct walk *walk = userdata;

        walk->record_rank = rank(walk, walk->record_rank, entry->at);
        int r = tell_sms_until(walk, walk->record_rank);
        return r != 0 ? r : tell(walk, entry, walk->record_rank);
}

int history_walk(const struct history_request *request,
                 int (*each)(void *userdata, const struct history_entry *entry, bool wanted), void *userdata,
                 struct history_totals *ret_totals)
{
        _cleanup_free_ struct walk *walk = calloc(1, sizeof(*walk));

        if (!walk)
                return -ENOMEM;
        walk->request = request;
        walk->each = each;
        walk->userdata = userdata;
        if (request->conf) {
                smsd_log_tail_read(&walk->tail, request->conf);
                walk->totals.log_error = walk->tail.error;
                fetch_sms(walk);
        }
        int r = history_file_read(request->state_dir, take_record, walk);
        if (r == 0)
                r = tell_sms_until(walk, INT64_MAX);
        smsd_log_tail_done(&walk->tail);
        *ret_totals = walk->totals;
        return r;
}
