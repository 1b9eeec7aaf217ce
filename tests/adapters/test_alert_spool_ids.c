/*
 * The ids of alerts: no two alerts of this box have the same, whatever becomes of the spool.
 */
#include "alert_spool_fixture.h"

/* Somebody has removed the spool, or it is a container beside ours: the same boot, the same count, and a
 * receiver that drops what it had already must not drop this. */
static void test_ids_of_two_spools(void **state)
{
        struct world *world = *state;
        struct alert alert = make_alert("smsd-down", SEVERITY_CRITICAL);
        char first[ALERT_ID_MAX];

        live(world);
        (void)text_copy(first, sizeof(first), write_alert(world, &alert)->id);
        die(world);
        temp_folder_remove(world->folder);
        live(world);
        const struct spool_answer *answer = write_alert(world, &alert);
        assert_int_equal(answer->sequence, 1);
        assert_string_not_equal(answer->id, first);
}

int main(void)
{
        const struct CMUnitTest tests[] = {world_test(test_ids_of_two_spools)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
