//! With real servers: nothing here is worth much against a pretended one.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    postgres::{Error, Options, PrivatePostgres},
    supervise::command_line,
};

/// Tells the helper below where to start its server.
const HELPER: &str = "CUSTOMER_PROFILE_EMBEDDED_TEST_HELPER";

fn options(data_dir: &Path) -> Options {
    Options {
        fsync: false,
        extra_settings: vec![("shared_buffers".to_owned(), "16MB".to_owned())],
        ..Options::durable(data_dir)
    }
}

fn start(data_dir: &Path) -> PrivatePostgres {
    PrivatePostgres::start(options(data_dir)).unwrap_or_else(|e| panic!("{e}"))
}

fn answers(server: &PrivatePostgres) -> bool {
    UnixStream::connect(server.socket_dir().join(".s.PGSQL.5432")).is_ok()
}

fn kill(signal: &str, pid: u32) {
    let script = format!("kill -s {signal} {pid}");
    let status = Command::new("/bin/sh").args(["-c", &script]).status();
    assert!(status.unwrap().success());
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not yet: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn postmaster(data_dir: &Path) -> Option<u32> {
    let text = fs::read_to_string(data_dir.join("cluster/postmaster.pid")).ok()?;
    let ready = text.lines().nth(7)?.trim() == "ready";
    ready.then(|| text.lines().next()?.parse().ok())?
}

/// No test: a process of its own for the tests that kill the parent.
#[test]
#[ignore = "a helper that other tests run"]
fn helper_that_starts_a_server_and_waits() {
    if let Some(data_dir) = env::var_os(HELPER) {
        let _server = start(Path::new(&data_dir));
        thread::sleep(Duration::from_mins(1));
    }
}

fn start_in_another_process(data_dir: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact"])
        .arg("embedded::tests::helper_that_starts_a_server_and_waits")
        .env(HELPER, data_dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_first_start_makes_a_private_cluster_and_the_next_one_reuses_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path());
    assert!(server.is_running());
    assert!(answers(&server));
    assert_eq!(server.user(), "postgres");
    let socket = fs::metadata(server.socket_dir()).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o700);
    assert_ne!(socket.uid(), 0, "root does not serve");
    let control = dir.path().join("cluster/global/pg_control");
    let identifier = |bytes: Vec<u8>| bytes.get(..8).map(<[u8]>::to_vec);
    let made = identifier(fs::read(&control).unwrap());
    let pid = server.pid();
    server.stop().unwrap();
    assert_eq!(command_line(pid), None);
    assert!(!dir.path().join("cluster/postmaster.pid").exists());

    let again = start(dir.path());
    assert_eq!(identifier(fs::read(&control).unwrap()), made);
    drop(again);
}

#[test]
fn after_kill_9_it_starts_again_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path());
    kill("KILL", server.pid());
    eventually("it has ended", || !server.is_running());
    server.stop().unwrap();
    let server = start(dir.path());
    assert!(answers(&server));
}

#[test]
fn a_stale_process_id_that_now_is_some_other_process_does_not_keep_it_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let pidfile = dir.path().join("cluster/postmaster.pid");
    let text = fs::read_to_string(&pidfile).unwrap();
    let owner = fs::metadata(&pidfile).unwrap();
    server.stop().unwrap();

    let other = Command::new("sleep").arg("60").spawn();
    let mut other = other.unwrap();
    let rest = text.split_once('\n').unwrap().1;
    fs::write(&pidfile, format!("{}\n{rest}", other.id())).unwrap();
    std::os::unix::fs::chown(&pidfile, Some(owner.uid()), Some(owner.gid())).unwrap();
    drop(start(dir.path()));
    assert!(command_line(other.id()).is_some(), "it was left alone");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn one_that_stands_still_is_stopped_too() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    kill("STOP", server.pid());
    server.stop().unwrap();
}

#[test]
fn a_second_one_on_the_same_directory_names_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let _first = start(dir.path());
    let second = PrivatePostgres::start(options(dir.path()));
    let text = second.unwrap_err().to_string();
    let expected = format!("already in use by process {}", std::process::id());
    assert!(text.ends_with(&expected), "{text}");
}

#[test]
fn it_ends_with_a_parent_that_is_killed_and_the_next_start_waits_for_that() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = start_in_another_process(dir.path());
    eventually("it serves", || postmaster(dir.path()).is_some());
    let orphan = postmaster(dir.path()).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();

    let server = start(dir.path());
    assert_eq!(command_line(orphan), None);
    assert!(answers(&server));
}

#[test]
fn a_first_start_that_is_killed_is_repaired_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = start_in_another_process(dir.path());
    let half = dir.path().join("cluster.new");
    eventually("initdb runs", || half.join("base").exists());
    parent.kill().unwrap();
    parent.wait().unwrap();

    let server = start(dir.path());
    assert!(answers(&server));
    assert!(!half.exists());
}

#[test]
fn a_long_path_gets_its_socket_elsewhere_and_leaves_nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let server = start(&dir.path().join("d".repeat(100)));
    let socket_dir = server.socket_dir().to_owned();
    assert!(answers(&server));
    assert!(!socket_dir.starts_with(dir.path()));
    server.stop().unwrap();
    assert!(!socket_dir.exists());
}

#[test]
fn a_setting_that_does_not_exist_fails_with_what_the_server_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = options(dir.path());
    wrong
        .extra_settings
        .push(("no_such_setting".to_owned(), "1".to_owned()));
    match PrivatePostgres::start(wrong) {
        Err(Error::Exited { log, .. }) => assert!(log.contains("no_such_setting"), "{log}"),
        other => panic!("{other:?}"),
    }
    drop(start(dir.path()));
}

#[test]
fn a_place_that_its_user_cannot_enter_is_named() {
    let dir = tempfile::tempdir().unwrap();
    if fs::metadata(dir.path()).unwrap().uid() != 0 {
        return; // Not root: the server runs as ourselves and can enter what we can.
    }
    let closed = fs::canonicalize(dir.path()).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let error = PrivatePostgres::start(options(&closed.join("data"))).unwrap_err();
    let text = error.to_string();
    let expected = format!("cannot enter {}: choose another place", closed.display());
    assert!(text.contains(&expected), "{text}");
}
