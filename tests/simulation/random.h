/*
 * The only source of chance in the simulation: small, fast, the same on every machine.
 */
#ifndef SIMULATION_RANDOM_H
#define SIMULATION_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random_source {
        uint64_t state;
};

/* A good mixer of 64 bits (the finaliser of splitmix64). */
static inline uint64_t random_mix(uint64_t x)
{
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static inline uint64_t random_next(struct random_source *source)
{
        source->state += UINT64_C(0x9e3779b97f4a7c15);
        return random_mix(source->state);
}

/* lowest..highest, both included. */
static inline uint64_t random_range(struct random_source *source, uint64_t lowest, uint64_t highest)
{
        return lowest + random_next(source) % (highest - lowest + 1);
}

static inline bool random_percent(struct random_source *source, unsigned percent)
{
        return random_next(source) % 100 < percent;
}

#endif
