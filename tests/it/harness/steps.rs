//! Stopping the transaction of a decision before and after each statement that writes.
//!
//! Triggers count the statements from the one on that makes the operation known. At the step that is asked for, the
//! transaction waits for a lock that the test holds, with everything that it holds itself; so what is done to it then is
//! done at that step, and at no other. The last step is within COMMIT.

use sqlx::{Connection as _, Executor as _, PgConnection};

use super::{Database, wait::until};

const INSTALL: &str = "
CREATE TABLE test_stop (at integer NOT NULL);
CREATE TABLE test_ran (steps text NOT NULL);

CREATE FUNCTION test_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ran text := coalesce(current_setting('test.ran', true), '');
BEGIN
    IF ran = '' AND NOT (TG_TABLE_NAME = 'operations' AND TG_OP = 'INSERT') THEN
        RETURN NULL;
    END IF;
    IF TG_LEVEL = 'ROW' THEN
        ran := ran || 'commit';
        INSERT INTO test_ran VALUES (ran);
    ELSE
        ran := ran || lower(concat_ws(' ', TG_WHEN, TG_OP, TG_TABLE_NAME)) || ',';
    END IF;
    PERFORM set_config('test.ran', ran, true);
    IF EXISTS (
        SELECT FROM test_stop WHERE at = array_length(string_to_array(rtrim(ran, ','), ','), 1)
    ) THEN
        PERFORM pg_advisory_xact_lock_shared(77, 7);
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
    moment text;
BEGIN
    FOREACH name IN ARRAY ARRAY['operations', 'assertions', 'sides', 'identities', 'profiles',
        'outbox', 'decisions', 'links', 'identity_traits', 'event_keys']
    LOOP
        FOREACH moment IN ARRAY ARRAY['BEFORE', 'AFTER'] LOOP
            EXECUTE format(
                'CREATE TRIGGER test_%s %s INSERT OR UPDATE OR DELETE ON %I
                 FOR EACH STATEMENT EXECUTE FUNCTION test_step()', moment, moment, name);
        END LOOP;
    END LOOP;
END $$;

CREATE CONSTRAINT TRIGGER test_commit AFTER INSERT ON decisions
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_step();";

/// A session of a test that can hold a decision at a step.
pub struct Steps {
    connection: PgConnection,
    database: Database,
}

impl Steps {
    /// Installs the triggers in a database.
    pub async fn install(database: &Database) -> Self {
        let mut connection = database.connect().await;
        connection.execute(INSTALL).await.unwrap();
        Self {
            connection,
            database: database.clone(),
        }
    }

    /// Connects again once a database that was killed has recovered. What held the decision went with it.
    ///
    /// One that has not noticed yet that it was killed still takes connections, and cuts them off a moment later.
    pub async fn recovered(database: &Database) -> Self {
        let mut connection = None;
        until("the database has recovered", async || {
            connection = database.try_connect().await;
            let Some(connection) = &mut connection else {
                return false;
            };
            connection.execute("DELETE FROM test_stop").await.is_ok()
        })
        .await;
        Self {
            connection: connection.unwrap(),
            database: database.clone(),
        }
    }

    /// The steps of the transactions that came to their end since it was asked last.
    pub async fn ran(&mut self) -> Vec<Vec<String>> {
        let ran: Vec<String> = sqlx::query_scalar("DELETE FROM test_ran RETURNING steps")
            .fetch_all(&mut self.connection)
            .await
            .unwrap();
        let ran = ran.iter();
        ran.map(|steps| steps.split(',').map(str::to_owned).collect())
            .collect()
    }

    /// The next decision is to stop at a step, counted from 1.
    pub async fn stop_at(&mut self, step: usize) {
        let step = i32::try_from(step).unwrap();
        for (statement, bound) in [
            ("DELETE FROM test_stop WHERE at <> $1", step),
            ("INSERT INTO test_stop VALUES ($1)", step),
        ] {
            sqlx::query(statement)
                .bind(bound)
                .execute(&mut self.connection)
                .await
                .unwrap();
        }
        self.connection
            .execute("SELECT pg_advisory_lock(77, 7)")
            .await
            .unwrap();
    }

    /// Waits until it is there; the process that serves its connection.
    pub async fn reached(&mut self) -> i32 {
        let connection = &mut self.connection;
        let mut pid = None;
        until("a decision comes to its step", async || {
            pid = sqlx::query_scalar(
                "SELECT pid FROM pg_locks
                 WHERE locktype = 'advisory' AND classid = 77 AND NOT granted
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .fetch_optional(&mut *connection)
            .await
            .unwrap();
            pid.is_some()
        })
        .await;
        pid.unwrap()
    }

    /// Lets it go on, and nothing stop any more.
    pub async fn release(&mut self) {
        self.connection
            .execute("DELETE FROM test_stop; SELECT pg_advisory_unlock(77, 7)")
            .await
            .unwrap();
    }

    /// Ends its connection, as an administrator would.
    pub async fn terminate(&mut self, pid: i32) {
        sqlx::query("SELECT pg_terminate_backend($1)")
            .bind(pid)
            .execute(&mut self.connection)
            .await
            .unwrap();
    }

    /// Takes all of `identities` as soon as the decision has committed, so that its answer cannot be put together; let go
    /// when the session is closed.
    pub async fn after_commit(&mut self) -> PgConnection {
        let mut other = self.database.connect().await;
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut other)
            .await
            .unwrap();
        let taking = tokio::spawn(async move {
            other
                .execute("BEGIN; LOCK TABLE identities IN ACCESS EXCLUSIVE MODE")
                .await
                .unwrap();
            other
        });
        let connection = &mut self.connection;
        until("it stands in the queue", async || {
            sqlx::query_scalar::<_, bool>(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)",
            )
            .bind(pid)
            .fetch_one(&mut *connection)
            .await
            .unwrap()
        })
        .await;
        self.release().await;
        taking.await.unwrap()
    }

    pub async fn close(self) {
        self.connection.close().await.unwrap();
    }
}
