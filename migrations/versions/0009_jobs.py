"""The queue of jobs: procrastinate's tables, as of its version 3.10.0.

The library carries every step its schema ever took, one file a step, and adds to them only. So
what is named here is made from these files whatever later version of the library is installed;
should one of them ever read otherwise, this stops before it begins. A newer library with further
steps needs a further migration that names them (a test says so).
"""

import hashlib
from importlib import resources

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STEPS = (
    "00.00.00_01_initial",
    "00.05.00_01_drop_started_at_column",
    "00.05.00_02_drop_started_at_column",
    "00.05.00_03_drop_procrastinate_version_table",
    "00.06.00_01_fix_procrastinate_fetch_job",
    "00.07.01_01_fix_trigger_status_events_insert",
    "00.08.01_01_add_queueing_lock_column",
    "00.10.00_01_close_fetch_job_race_condition",
    "00.10.00_02_add_defer_job_function",
    "00.11.00_03_add_procrastinate_periodic_defers",
    "00.12.00_01_add_foreign_key_index",
    "00.14.00_01_add_locks_to_periodic_defer",
    "00.15.02_01_fix_procrastinate_defer_periodic_job",
    "00.16.00_01_add_finish_job_and_retry_job_functions",
    "00.17.00_01_add_trigger_on_job_deletion",
    "00.17.00_02_delete_finished_jobs",
    "00.17.00_03_add_checks_to_finish_job",
    "00.17.00_04_add_checks_to_retry_job",
    "00.18.01_01_fix_finish_job_compat_issue",
    "00.19.00_01_add_index_on_procrastinate_jobs",
    "00.22.00_01_add_kwargs_to_defer_periodic_job",
    "00.23.00_01_null_locks_excluded",
    "01.00.00_01_remove_old_finish_job_function",
    "01.01.01_01_job_id_bigint",
    "02.00.03_01_add_job_priority",
    "02.05.00_01_add_periodic_job_priority",
    "02.06.00_01_add_cancel_states",
    "02.08.00_01_add_additional_params_to_retry_job",
    "02.14.01_01_add_indexes_for_fetch_job",
    "03.00.00_01_pre_cancel_notification",
    "03.00.00_50_post_cancel_notification",
    "03.01.00_01_pre_add_heartbeat",
    "03.01.00_50_post_add_heartbeat",
    "03.02.00_01_pre_batch_defer_jobs",
    "03.02.00_50_post_batch_defer_jobs",
    "03.03.00_01_pre_priority_lock_fetch_job",
    "03.04.00_01_pre_add_retry_failed_job_procedure",
    "03.04.00_50_post_add_retry_failed_job_procedure",
)
SHA256 = "365a817fc5b91914e3de242e8a7c26462f8fe863e4db9b47ccd0055dd22d40cd"


# Enough to begin anew where a death left half of it: nothing else makes what bears this name.
DROP = """
DO $$
DECLARE
    gone text;
BEGIN
    FOR gone IN
        SELECT oid::regclass::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND starts_with(relname, 'procrastinate_')
    LOOP
        EXECUTE 'DROP TABLE ' || gone || ' CASCADE';
    END LOOP;
    FOR gone IN
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND starts_with(proname, 'procrastinate_')
    LOOP
        EXECUTE 'DROP FUNCTION IF EXISTS ' || gone || ' CASCADE';
    END LOOP;
    FOR gone IN
        SELECT oid::regtype::text FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'c')
            AND starts_with(typname, 'procrastinate_')
    LOOP
        EXECUTE 'DROP TYPE ' || gone;
    END LOOP;
END
$$
"""


def upgrade() -> None:
    folder = resources.files("procrastinate.sql").joinpath("migrations")
    steps = [folder.joinpath(f"{name}.sql").read_bytes() for name in STEPS]
    if hashlib.sha256(b"".join(steps)).hexdigest() != SHA256:
        raise RuntimeError(
            "the installed procrastinate tells its history otherwise than version 3.10.0 did; "
            "install what requirements.lock names"
        )
    # A step may use what the one before added to an enum: only after its commit.
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        connection.exec_driver_sql(DROP)
        for step in steps:
            connection.exec_driver_sql(step.decode().replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DROP)
