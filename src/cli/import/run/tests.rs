//! Imports into a service in this process that keeps what it gets in memory and misbehaves on purpose.

mod fake;

use std::{fs, io::Write as _, path::Path, process::Command, sync::Mutex, time::Duration};

use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use super::*;
use crate::{
    cli::client::Identity,
    cli::import::{options::Reporting, table::Input, undo},
    ids::TenantId,
    proto::v1::interaction_service_server::InteractionServiceServer,
};
use fake::{Fake, MAPPING, Mood, Store};

struct Bench {
    directory: tempfile::TempDir,
    mood: Arc<Mutex<Mood>>,
    store: Arc<Mutex<Store>>,
    address: String,
}

impl Bench {
    async fn new(rows: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("m.toml"), MAPPING).unwrap();
        let text = format!("id,at,customer,text\n{rows}");
        fs::write(directory.path().join("in.csv"), text).unwrap();
        let mood = Arc::new(Mutex::new(Mood::Well));
        let store = Arc::new(Mutex::new(Store::default()));
        let fake = Fake {
            mood: Arc::clone(&mood),
            store: Arc::clone(&store),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let service = InteractionServiceServer::new(fake);
        let served = Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(served);
        Self {
            directory,
            mood,
            store,
            address,
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    async fn import(&self) -> Result<Summary, ImportError> {
        import(options(self.directory.path()), client(&self.address)).await
    }

    /// An import that loses patience before the others, and not before a busy machine has answered it once.
    async fn hasty_import(&self) -> Result<Summary, ImportError> {
        let mut options = options(self.directory.path());
        options.give_up_after = Duration::from_secs(3);
        import(options, client(&self.address)).await
    }

    fn stored(&self) -> usize {
        self.store.lock().unwrap().stored.len()
    }
}

fn options(directory: &Path) -> ImportOptions {
    ImportOptions {
        input: Input::File(directory.join("in.csv")),
        mapping: Some(directory.join("m.toml")),
        tenant: TenantId::parse("acme").unwrap(),
        destination: "test".into(),
        workers: 4,
        rejects: None,
        state_dir: None,
        give_up_after: Duration::from_secs(20),
        reporting: Reporting::Silent,
    }
}

fn client(address: &str) -> InteractionServiceClient<Connection> {
    let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned()).unwrap();
    let channel = endpoint.connect_lazy();
    InteractionServiceClient::new(Connection::new(channel, Identity::default()))
}

/// Rows of which every tenth repeats the one before and every 25th has the id of the first with another text.
fn rows(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let row = match n {
            n if n > 0 && n % 25 == 0 => format!("e0,2024-01-01,c0,other {n}\n"),
            n if n % 10 == 9 => format!("e{},2024-01-01,c{},text\n", n - 1, (n - 1) % 7),
            n => format!("e{n},2024-01-01,c{},text\n", n % 7),
        };
        text.push_str(&row);
    }
    text
}

fn expected(count: usize) -> (u64, u64, u64) {
    let conflicts = (1..count).filter(|n| n % 25 == 0).count();
    let duplicates = (0..count).filter(|n| n % 10 == 9).count();
    let recorded = count - conflicts - duplicates;
    let wide = |n| u64::try_from(n).unwrap();
    (wide(recorded), wide(duplicates), wide(conflicts))
}

#[tokio::test]
async fn an_import_counts_every_row_once_and_a_second_one_records_nothing() {
    let bench = Bench::new(&rows(5_000)).await;
    let first = bench.import().await.unwrap();
    let (recorded, duplicates, conflicts) = expected(5_000);
    assert_eq!(
        (
            first.rows,
            first.recorded,
            first.duplicates,
            first.conflicts
        ),
        (5_000, recorded, duplicates, conflicts)
    );
    assert_eq!(
        (first.unsure, first.rejected, first.resumed_from),
        (0, 0, None)
    );
    assert!(!bench.file("in.csv.progress.json").exists());
    {
        let store = bench.store.lock().unwrap();
        assert_eq!(store.stored["e0"].text.as_deref(), Some("text"));
        assert!(store.tenants.iter().all(|t| t == "acme"));
        assert_eq!(
            store.runs.keys().collect::<Vec<_>>(),
            [&first.run_id.to_string()]
        );
        assert!(store.largest <= 500);
    }
    let rejects = fs::read_to_string(first.rejects.unwrap()).unwrap();
    assert_eq!(
        u64::try_from(rejects.lines().count()).unwrap(),
        conflicts + 1
    );
    assert!(
        rejects
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("27\tconflict\te0\t"),
        "{rejects}"
    );
    let second = bench.import().await.unwrap();
    assert_eq!(
        (second.recorded, second.duplicates),
        (0, recorded + duplicates)
    );
    assert_eq!(second.conflicts, conflicts);
}

#[tokio::test]
async fn faults_and_rejections_go_to_a_file_in_the_order_of_the_input() {
    let bench = Bench::new(
        "1,2024-01-01,c,ok\n2,2024-02-31,c,x\n3,2024-01-01,c,bad\n4,2024-01-01\n5,2024-01-01,,x\n",
    )
    .await;
    let summary = bench.import().await.unwrap();
    assert_eq!(
        (summary.rows, summary.recorded, summary.rejected),
        (5, 1, 4)
    );
    let rejects = fs::read_to_string(bench.file("in.csv.rejects.tsv")).unwrap();
    let lines: Vec<&str> = rejects.lines().skip(1).collect();
    assert!(
        lines[0].starts_with("3\trejected\t2\toccurred_at does not fit"),
        "{rejects}"
    );
    assert_eq!(lines[1], "4\trejected\t3\ttext: too_bad: must be good");
    assert_eq!(
        lines[2],
        "5\trejected\t\tthe row has 2 fields where 4 are expected"
    );
    assert_eq!(lines[3], "6\trejected\t5\tidentifiers are all empty");
    fs::write(
        bench.file("in.csv"),
        "id,at,customer,text\n1,2024-01-01,c,ok\n",
    )
    .unwrap();
    bench.import().await.unwrap();
    assert!(!bench.file("in.csv.rejects.tsv").exists());
}

#[tokio::test]
async fn a_shaky_service_loses_nothing_and_the_counts_stay_honest() {
    let bench = Bench::new(&rows(20_000)).await;
    bench.mood(Mood::Shaky);
    let options = options(bench.directory.path());
    let summary = import(options, client(&bench.address)).await.unwrap();
    let (recorded, duplicates, conflicts) = expected(20_000);
    assert_eq!(u64::try_from(bench.stored()).unwrap(), recorded);
    assert_eq!(summary.conflicts, conflicts);
    assert!(summary.unsure > 0);
    assert!(summary.recorded <= recorded && recorded <= summary.recorded + summary.unsure);
    assert!(summary.duplicates <= duplicates);
    let sum = summary.recorded + summary.duplicates + summary.unsure + summary.conflicts;
    assert_eq!(sum + summary.rejected, summary.rows);
    assert_eq!(
        bench.store.lock().unwrap().stored["e0"].text.as_deref(),
        Some("text")
    );
}

#[tokio::test]
async fn an_import_that_gave_up_goes_on_where_it_stopped() {
    let bench = Bench::new(&rows(20_000)).await;
    bench.mood(Mood::DiesAfter(12));
    let error = bench.hasty_import().await.unwrap_err();
    // Under load the last try may end by its own deadline and not with the service's answer.
    assert!(matches!(&error, ImportError::GaveUp { .. }), "{error}");
    assert!(bench.file("in.csv.progress.json").exists());
    bench.mood(Mood::Well);
    let summary = bench.import().await.unwrap();
    let mark = summary.resumed_from.unwrap();
    assert!(mark > 0 && mark < 20_000, "{mark}");
    assert_eq!(summary.rows, 20_000);
    let (recorded, duplicates, conflicts) = expected(20_000);
    assert_eq!(u64::try_from(bench.stored()).unwrap(), recorded);
    assert_eq!(summary.conflicts, conflicts);
    assert!(summary.recorded <= recorded && summary.duplicates <= duplicates);
    let rejects = fs::read_to_string(summary.rejects.clone().unwrap()).unwrap();
    assert_eq!(
        u64::try_from(rejects.lines().count()).unwrap(),
        conflicts + 1
    );
    assert_eq!(bench.store.lock().unwrap().runs.len(), 1);
    assert!(!bench.file("in.csv.progress.json").exists());
}

#[tokio::test]
async fn a_changed_input_or_destination_starts_anew() {
    let bench = Bench::new(&rows(5_000)).await;
    bench.mood(Mood::DiesAfter(3));
    bench.hasty_import().await.unwrap_err();
    bench.mood(Mood::Well);
    let mut elsewhere = options(bench.directory.path());
    elsewhere.destination = "another".into();
    let summary = import(elsewhere, client(&bench.address)).await.unwrap();
    assert_eq!((summary.resumed_from, summary.rows), (None, 5_000));
    assert_eq!(bench.store.lock().unwrap().runs.len(), 2);
}

#[tokio::test]
async fn a_refusal_ends_the_import_with_what_the_service_said() {
    let bench = Bench::new(&rows(3_000)).await;
    bench.mood(Mood::RefusesAfter(1));
    let error = bench.import().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the service refuses: PermissionDenied: record is needed"
    );
}

#[tokio::test]
async fn a_service_that_is_not_there_is_given_up_and_a_connection_that_breaks_is_not_final() {
    let bench = Bench::new(&rows(10)).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            // Takes the connection, reads the greeting and hangs up.
            let (stream, _) = silent.accept().await.unwrap();
            stream.readable().await.unwrap();
            drop(stream);
        }
    });
    for address in [address, "http://127.0.0.1:1".to_owned()] {
        let mut options = options(bench.directory.path());
        options.give_up_after = Duration::from_millis(800);
        let told = import(options, client(&address)).await;
        assert!(matches!(told, Err(ImportError::GaveUp { .. })), "{told:?}");
    }
}

#[tokio::test]
async fn a_broken_input_keeps_what_was_read_of_it() {
    let bench = Bench::new("").await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"id,at,customer,text\n").unwrap();
    encoder.write_all(rows(5_000).as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    fs::write(bench.file("in.csv"), &whole[..whole.len() * 2 / 3]).unwrap();
    let error = bench.import().await.unwrap_err();
    assert!(matches!(error, ImportError::Input { .. }), "{error}");
    assert!(bench.stored() > 500, "{}", bench.stored());
    assert!(bench.file("in.csv.progress.json").exists());
}

#[tokio::test]
async fn a_second_import_of_the_same_input_is_refused_while_one_runs() {
    let bench = Bench::new(&rows(30_000)).await;
    bench.mood(Mood::Slow);
    let (one, other) = tokio::join!(bench.import(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.import().await
    });
    assert_eq!(one.unwrap().rows, 30_000);
    let other = other.unwrap_err().to_string();
    assert!(
        other.ends_with("another import of this input is running"),
        "{other}"
    );
}

#[tokio::test]
async fn an_undo_asks_until_it_is_done() {
    let bench = Bench::new(&rows(1_000)).await;
    let run_id = bench.import().await.unwrap().run_id;
    let stored = bench.stored();
    bench.store.lock().unwrap().largest = 0;
    let tenant = TenantId::default_tenant();
    let patience = Duration::from_secs(5);
    let summary = undo(
        client(&bench.address),
        &tenant,
        run_id,
        "a test",
        patience,
        Reporting::Silent,
    )
    .await
    .unwrap();
    assert_eq!(summary.retracted, u64::try_from(stored).unwrap());
    assert_eq!(bench.stored(), 0);
}

const CHILD: &str = "IMPORT_TEST_CHILD";

/// Not a test of its own: the import that the next test kills.
#[tokio::test]
async fn child_that_is_killed() {
    let Ok(setting) = std::env::var(CHILD) else {
        return;
    };
    let (directory, address) = setting.split_once('|').unwrap();
    let options = options(Path::new(directory));
    import(options, client(address)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_again_and_again_ends_as_one_that_was_not() {
    let bench = Bench::new(&rows(120_000)).await;
    bench.mood(Mood::Slow);
    let mut mark = 0;
    for round in 0..4_u64 {
        let setting = format!("{}|{}", bench.directory.path().display(), bench.address);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cli::import::run::tests::child_that_is_killed"])
            .env(CHILD, setting)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Killed a little after it has come further than the one before, at a different moment of its second each time.
        while saved_mark(&bench.file("in.csv.progress.json")) <= mark {
            assert_eq!(child.try_wait().unwrap(), None, "ended by itself");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(round * 137)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        mark = saved_mark(&bench.file("in.csv.progress.json"));
    }
    bench.mood(Mood::Well);
    let summary = bench.import().await.unwrap();
    let (recorded, duplicates, conflicts) = expected(120_000);
    assert_eq!(u64::try_from(bench.stored()).unwrap(), recorded);
    assert_eq!(summary.rows, 120_000);
    assert_eq!(summary.conflicts, conflicts);
    assert!(summary.recorded <= recorded && recorded <= summary.recorded + summary.unsure);
    assert!(summary.duplicates <= duplicates);
    assert_eq!(bench.store.lock().unwrap().runs.len(), 1);
    assert_eq!(
        bench.store.lock().unwrap().stored["e0"].text.as_deref(),
        Some("text")
    );
    let rejects = fs::read_to_string(summary.rejects.clone().unwrap()).unwrap();
    assert_eq!(
        u64::try_from(rejects.lines().count()).unwrap(),
        conflicts + 1
    );
    assert_eq!(summary.resumed_from, Some(mark));
}

fn saved_mark(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let saved: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    saved["mark"].as_u64().unwrap_or_default()
}
