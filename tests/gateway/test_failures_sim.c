/*
 * The table of failures, see failure_rows.h: the rows of failure_rows_sim.c.
 */
#include "failure_rows.h"

int main(int argc, char **argv)
{
        return failure_rows_main(&failures_of_sim, argc, argv);
}
