//! Law 5: acknowledged means stored, exactly once, whatever is killed and whenever.
//!
//! Real processes, on private databases that sync as they do in use. An import during which something is killed with
//! signal 9 must end with the digest of one that nothing disturbed. Two rounds of each; ten with
//! `CUSTOMER_PROFILE_TEST_SCALE=full`.

use std::{
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::harness::{
    Random,
    cluster::scratch,
    in_full, population,
    process::{Process, program, signal},
    random::seed_of_now,
    say, shop,
};

/// One of these tests at a time: each starts servers of its own.
static ALONE: Mutex<()> = Mutex::new(());

pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn rounds() -> usize {
    if in_full() { 10 } else { 2 }
}

/// The export that is imported again and again, and what an import of it comes to that nothing disturbs.
struct Undisturbed {
    file: PathBuf,
    rows: u64,
    digest: String,
    took: Duration,
}

fn undisturbed() -> &'static Undisturbed {
    static DONE: OnceLock<Undisturbed> = OnceLock::new();
    DONE.get_or_init(|| {
        let file = scratch().join("crash-export.csv");
        let rows = shop::write_csv(&file, &population::interactions(404, 3_600, 600));
        let directory = fresh_directory();
        let process = Process::serve(&directory);
        let begun = Instant::now();
        let summary = finish(import(&file, &process, &directory));
        let took = begun.elapsed();
        assert_eq!(summary["recorded"], rows, "{summary}");
        assert_eq!(summary["unsure"], 0, "{summary}");
        let digest = digest(&directory);
        verify(&directory);
        assert!(process.terminate().success());
        assert_eq!(
            self::digest(&directory),
            digest,
            "the same when nobody serves"
        );
        say(format_args!(
            "undisturbed: {rows} rows in {:.1} s, digest {digest}",
            took.as_secs_f64()
        ));
        Undisturbed {
            file,
            rows,
            digest,
            took,
        }
    })
}

pub fn fresh_directory() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    scratch().join(format!("crash-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Starts an import through the service.
fn import(file: &Path, process: &Process, directory: &Path) -> Child {
    program()
        .arg("import")
        .arg(file)
        .arg("--mapping")
        .arg(shop::example("shop.toml"))
        .args(["--to", &process.url, "--workers", "3", "--json"])
        .arg("--state-dir")
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end of an import; its summary.
fn finish(importer: Child) -> Value {
    let output = importer.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn command(name: &str, directory: &Path) -> String {
    let output = program()
        .arg(name)
        .env("CUSTOMER_PROFILE_DATA_DIR", directory)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {text}{said}");
    text.trim().to_owned()
}

pub fn digest(directory: &Path) -> String {
    command("digest", directory)
}

pub fn verify(directory: &Path) {
    let text = command("verify", directory);
    assert!(text.ends_with(" 0 differences"), "{text}");
}

/// A moment within so long.
fn moment(random: &mut Random, within: Duration) -> Duration {
    let millis = usize::try_from(within.as_millis()).unwrap().max(1);
    Duration::from_millis(u64::try_from(random.below(millis)).unwrap())
}

/// An import during which something is killed, at least once, up to three times.
fn disturbed(what: &str, round: usize, mut kill: impl FnMut(&mut Disturbed, &mut Random)) {
    let expected = undisturbed();
    let seed = seed_of_now();
    let mut random = Random::new(seed);
    let mut within = expected.took;
    loop {
        let directory = fresh_directory();
        let process = Process::serve(&directory);
        let importer = import(&expected.file, &process, &directory);
        let mut running = Disturbed {
            process: Some(process),
            importer: Some(importer),
            directory,
        };
        let wanted = 1 + random.below(3);
        let mut kills = 0;
        while kills < wanted {
            std::thread::sleep(moment(&mut random, within));
            if running.is_over() {
                break;
            }
            kill(&mut running, &mut random);
            kills += 1;
        }
        if kills == 0 {
            // It was over before anything was killed, which shows nothing: an earlier moment then.
            within /= 2;
            continue;
        }
        let summary = finish(running.importer.take().unwrap());
        say(format_args!(
            "{what} killed {kills} times, round {round}, seed {seed}: {} recorded, {} unsure, resumed from {}",
            summary["recorded"], summary["unsure"], summary["resumed_from"]
        ));
        let count = |name: &str| summary[name].as_u64().unwrap();
        assert_eq!(
            count("recorded") + count("unsure"),
            expected.rows,
            "{summary}"
        );
        assert_eq!(
            count("duplicates") + count("conflicts") + count("rejected"),
            0,
            "{summary}"
        );
        assert_eq!(digest(&running.directory), expected.digest);
        verify(&running.directory);
        assert!(running.process.take().unwrap().terminate().success());
        std::fs::remove_dir_all(&running.directory).unwrap();
        return;
    }
}

/// An import and the service it goes through.
struct Disturbed {
    process: Option<Process>,
    importer: Option<Child>,
    directory: PathBuf,
}

impl Disturbed {
    fn is_over(&mut self) -> bool {
        let importer = self.importer.as_mut().unwrap();
        importer.try_wait().unwrap().is_some()
    }
}

#[test]
fn an_import_goes_on_when_the_service_is_killed() {
    let _alone = alone();
    for round in 1..=rounds() {
        disturbed("service", round, |running, _| {
            running.process.take().unwrap().kill();
            running.process = Some(Process::serve(&running.directory));
        });
    }
}

#[test]
fn an_import_goes_on_when_its_database_is_killed() {
    let _alone = alone();
    for round in 1..=rounds() {
        disturbed("database", round, |running, random| {
            let process = running.process.as_ref().unwrap();
            let main = living_postgres(process);
            // The main process, which its owner starts again, or a connection, after which it restarts by itself.
            let connection = random.once_in(3).then(|| connection_of(main)).flatten();
            signal("KILL", connection.unwrap_or(main));
        });
    }
}

#[test]
fn an_import_that_is_killed_goes_on_when_it_is_started_again() {
    let _alone = alone();
    for round in 1..=rounds() {
        disturbed("importer", round, |running, _| {
            let mut importer = running.importer.take().unwrap();
            importer.kill().unwrap();
            importer.wait().unwrap();
            let process = running.process.as_ref().unwrap();
            let again = import(&undisturbed().file, process, &running.directory);
            running.importer = Some(again);
        });
    }
}

/// The main process of the database once it serves (again).
pub fn living_postgres(process: &Process) -> u32 {
    let begun = Instant::now();
    let socket = process.data_dir.join("postgres/socket/.s.PGSQL.5432");
    loop {
        if let Some(pid) = process.postgres_pid()
            && !children_of(pid).is_empty()
            && std::os::unix::net::UnixStream::connect(&socket).is_ok()
        {
            return pid;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no database");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Its children.
fn children_of(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let children = children.split_whitespace();
    children.map(|child| child.parse().unwrap()).collect()
}

/// A child that serves a connection of the service, which stays until something is killed; others come and go.
fn connection_of(pid: u32) -> Option<u32> {
    children_of(pid).into_iter().find(|child| {
        let title = std::fs::read_to_string(format!("/proc/{child}/cmdline"));
        title.is_ok_and(|title| title.contains("postgres postgres [local]"))
    })
}
