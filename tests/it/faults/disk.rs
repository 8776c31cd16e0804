//! The disk of Postgres is full.
//!
//! A small disk is filled. Where none may be mounted, Postgres may write no file any further, its log included: it ends, as it
//! does when there is no room for that.

use std::{
    fs::File,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use super::{
    postgres::{ROLE, SMALL, admit, most_ok, only_away},
    stage::{Fault, Stage},
};
use crate::harness::{away::OwnCluster, cluster::scratch, link::Link, redis::Redis, skipped};

/// What has no room left.
enum Disk {
    /// A small one, mounted here, which goes with this value.
    Small(PathBuf),
    /// That of the machine, of which Postgres gets no more.
    Limited(PathBuf),
}

impl Disk {
    fn prepare(at: PathBuf) -> Self {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=200m,mode=0711", "tmpfs"])
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            Self::Small(at)
        } else {
            Self::Limited(at)
        }
    }

    /// Where Postgres keeps its data.
    fn data_dir(&self) -> PathBuf {
        let (Self::Small(at) | Self::Limited(at)) = self;
        at.join("postgres")
    }

    /// Takes what is left.
    fn fill(&self, cluster: &OwnCluster) {
        match self {
            Self::Small(at) => {
                let mut file = File::create(at.join("filler")).unwrap();
                for piece in [1 << 20, 4_096] {
                    while file.write_all(&vec![1; piece]).is_ok() {}
                }
            }
            Self::Limited(_) => {
                for process in cluster.processes() {
                    let pid = process.to_string();
                    // One that has ended needs none.
                    let _ = Command::new("prlimit")
                        .args(["--pid", &pid, "--fsize=4096:"])
                        .stderr(Stdio::null())
                        .status();
                }
            }
        }
    }

    /// Gives it back; a server that goes on has to end for that where it was limited.
    async fn empty(&self, cluster: &mut OwnCluster) {
        match self {
            Self::Small(at) => std::fs::remove_file(at.join("filler")).unwrap(),
            Self::Limited(_) if cluster.is_running() => cluster.kill().await,
            Self::Limited(_) => (),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Small(at) = self {
            // It goes with the machine at the latest.
            let _ = Command::new("umount").arg("-l").arg(at).status();
        }
    }
}

/// Whether limits can be set.
fn has_prlimit() -> bool {
    let asked = Command::new("prlimit")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

struct Set {
    // Before the disk that it lies on.
    cluster: OwnCluster,
    link: Link,
    disk: Disk,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_writes_alone_and_room_lets_them_go_on() {
    let disk = Disk::prepare(scratch().join("faults-disk"));
    if matches!(disk, Disk::Limited(_)) && !has_prlimit() {
        skipped("a full disk (mounting a small tmpfs is refused, and there is no prlimit)");
        return;
    }
    let cluster = OwnCluster::start_with(disk.data_dir(), &SMALL).await;
    admit(&cluster).await;
    let link = Link::to(&cluster.socket()).await;
    let redis = Redis::start("faults-disk-redis");
    let stage = Stage::start("disk-service", &link.url(ROLE), &redis.url(), &[]).await;
    let mut set = Set {
        cluster,
        link,
        disk,
    };
    let fill = async |set: &mut Set| set.disk.fill(&set.cluster);
    let empty = async |set: &mut Set| {
        set.disk.empty(&mut set.cluster).await;
        // One that cannot write its log ends, and is started again by whoever runs it.
        if !set.cluster.is_running() {
            set.cluster.run().await;
            set.link.lead_to(&set.cluster.socket());
        }
    };
    let fault = Fault {
        heavy: true,
        ..Fault::of("Postgres's disk full", 4_000)
    };
    let direct = |set: &Set| set.cluster.database().url();
    let seen = stage.undergo(fault, &mut set, fill, empty, direct).await;
    only_away(&seen);
    most_ok(&seen, &seen.stale);
    assert!(
        seen.write.ok() < seen.write.total(),
        "{:?}",
        seen.write.outcomes
    );
    stage.end().await;
}
