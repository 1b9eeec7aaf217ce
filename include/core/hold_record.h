#ifndef CORE_HOLD_RECORD_H
#define CORE_HOLD_RECORD_H
#include "base/usec.h"
enum hold_source { HOLD_SOURCE_CLI, HOLD_SOURCE_LEGACY, HOLD_SOURCE_SYSTEMCTL };
struct hold_record {
        enum hold_source source;
        char by[64];
        char reason[256];
        usec_t since;
        usec_t until;
        int64_t since_realtime;
};
#endif
