/*
 * From a failing seed to the few inputs that are needed for it.
 */
#ifndef SIMULATION_SHRINK_H
#define SIMULATION_SHRINK_H

#include "input.h"

#include <stdint.h>

/* The schedule of a seed, as world_new() will see its box. */
void shrink_inputs(uint64_t seed, usec_t length, struct inputs *ret_inputs);

/* Leaves out what is not needed to break promise `number`, then prints what is left and the end of the run.
 */
void shrink_and_tell(uint64_t seed, usec_t length, bool every_round, const struct inputs *inputs,
                     unsigned number);

#endif
