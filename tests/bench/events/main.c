/*
 * What a million mixed events leave behind: the daemon's queue and the core, a made-up outside, virtual time.
 * Prints the growth of the heap in use and of the resident memory, in bytes, behind a warm-up that has seen
 * every kind of event. Arguments: a number that makes the mix
 * another one, and how many events.
 */
#include "world.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP 200000

struct memory {
        size_t heap;
        long resident;
};

/* The second number of statm: pages. */
static long resident_pages(void)
{
        char text[128] = "", *end;
        FILE *file = fopen("/proc/self/statm", "re");

        if (!file || !fgets(text, sizeof(text), file))
                abort();
        (void)fclose(file);
        (void)strtol(text, &end, 10);
        return strtol(end, NULL, 10);
}

static struct memory measure(void)
{
        const struct mallinfo2 heap = mallinfo2();

        return (struct memory){.heap = heap.uordblks + heap.hblkhd,
                               .resident = resident_pages() * sysconf(_SC_PAGESIZE)};
}

static unsigned long run(struct daemon *daemon, unsigned long events)
{
        unsigned long n = 0;

        while (n < events)
                n += world_step(daemon);
        world_rest(daemon);
        return n;
}

int main(int argc, char *argv[])
{
        static struct daemon daemon;

        (void)measure(); /* what stdio takes is taken */
        config_init(&daemon.config);
        if (sd_event_new(&daemon.event) < 0 || daemon_queue_init(&daemon) < 0)
                return EXIT_FAILURE;
        daemon.gateway = gateway_new(&daemon.config);
        if (!daemon.gateway)
                return EXIT_FAILURE;
        world_init(&daemon, argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0);
        (void)run(&daemon, WARM_UP);
        unsigned long events = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
        struct memory before = measure();
        unsigned long n = run(&daemon, events);
        struct memory after = measure();
        (void)printf("%lu events: heap %+ld resident %+ld\n", n, (long)after.heap - (long)before.heap,
                     after.resident - before.resident);
        return EXIT_SUCCESS;
}
