//! Waits until files of the configuration change, or somebody asks for a reload by SIGHUP.
//!
//! Files are looked at twice a second. The system's notices (inotify) are not used: network file systems and some
//! container mounts send none, so that looking is needed beside them; and a database or a log in the folder of the
//! configuration would wake this process at each of its writes.

use super::snapshot::{Followed, Snapshot};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

/// How often everything is looked at…
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// …but never for more than this part of the time, when many files are on a slow disk.
const LOOKING_SHARE: u32 = 50;
/// Editors and deployment tools write in several steps: this long nothing may happen…
const QUIET: Duration = Duration::from_millis(100);
/// …unless it goes on and on.
const QUIET_MAX: Duration = Duration::from_secs(1);

/// Why to load again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// These files hold something else.
    Edited(Vec<PathBuf>),
    /// SIGHUP.
    Asked,
}

/// Whether SIGHUP asks for a reload, or ends the process as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangup {
    Reloads,
    Ends,
}

/// Looks after the files of one configuration at a time.
pub(crate) struct Watch {
    followed: Followed,
    last: Snapshot,
    hangups: Option<Signal>,
}

impl Watch {
    /// What the files hold now is what they are compared with. Take it before they are loaded, so that an edit in
    /// between is noticed.
    pub(crate) fn new(followed: Followed, hangup: Hangup) -> Self {
        let hangups = match hangup {
            Hangup::Ends => None,
            Hangup::Reloads => signal(SignalKind::hangup())
                .inspect_err(|error| tracing::warn!(%error, "SIGHUP can't be listened for"))
                .ok(),
        };
        let last = Snapshot::take(&followed, &Snapshot::default(), SystemTime::now());
        Self { followed, last, hangups }
    }

    /// From now on these files count. Those that were not followed before are compared with what they hold now.
    pub(crate) fn follow(&mut self, followed: Followed) {
        if self.followed != followed {
            let known = Snapshot::take(&followed, &self.last, SystemTime::now());
            self.last = known.keeping(&self.last);
            self.followed = followed;
        }
    }

    /// This process has written the file itself: what it holds now is no edit.
    pub(crate) fn made(&mut self, file: PathBuf) {
        let made = Followed { files: [file].into(), ..Followed::default() };
        self.last.renew(Snapshot::take(&made, &Snapshot::default(), SystemTime::now()));
    }

    /// Ends with the next reason to load again.
    pub(crate) async fn changed(&mut self) -> Cause {
        let mut pause = LOOK_EVERY;
        loop {
            let asked = tokio::select! {
                () = sleep(pause) => false,
                () = hangup(&mut self.hangups) => true,
            };
            let (before, began) = (self.last.clone(), Instant::now());
            let edited = self.look().await;
            pause = LOOK_EVERY.max(began.elapsed() * LOOKING_SHARE);
            if asked {
                return Cause::Asked;
            }
            if !edited.is_empty() {
                let edited = self.settled(before).await;
                if !edited.is_empty() {
                    return Cause::Edited(edited);
                }
            }
        }
    }

    /// Waits until nobody writes any more; says what is different from `before` then.
    async fn settled(&mut self, before: Snapshot) -> Vec<PathBuf> {
        let give_up_at = Instant::now() + QUIET_MAX;
        loop {
            sleep(QUIET).await;
            if self.look().await.is_empty() || Instant::now() >= give_up_at {
                return self.last.differences(&before).into_iter().map(Path::to_owned).collect();
            }
        }
    }

    /// What is different from the last look.
    async fn look(&mut self) -> Vec<PathBuf> {
        let (followed, before) = (self.followed.clone(), self.last.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let found = Snapshot::take(&followed, &before, SystemTime::now());
            let edited: Vec<PathBuf> = found.differences(&before).into_iter().map(Path::to_owned).collect();
            (found, edited)
        });
        match looked.await {
            Ok((found, edited)) => {
                self.last = found;
                edited
            }
            Err(error) => {
                tracing::error!(%error, "the files of the configuration could not be looked at");
                Vec::new()
            }
        }
    }
}

async fn hangup(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => {
            if signals.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn following(files: &[&Path]) -> Followed {
        Followed { files: files.iter().map(|path| (*path).to_owned()).collect(), ..Followed::default() }
    }

    async fn edited(watch: &mut Watch) -> Vec<PathBuf> {
        match tokio::time::timeout(Duration::from_secs(60), watch.changed()).await.expect("a change") {
            Cause::Edited(files) => files,
            Cause::Asked => panic!("nobody asked"),
        }
    }

    #[tokio::test]
    async fn a_file_is_followed_through_every_way_of_replacing_it() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("kratos.yml");
        fs::write(&path, "1").expect("file");
        let mut watch = Watch::new(following(&[&path]), Hangup::Ends);
        fs::write(&path, "2").expect("written in place");
        assert_eq!(edited(&mut watch).await, [path.as_path()]);
        fs::write(folder.path().join("aside"), "3").expect("file");
        fs::rename(folder.path().join("aside"), &path).expect("renamed into place");
        assert_eq!(edited(&mut watch).await, [path.as_path()]);
        fs::remove_file(&path).expect("removed");
        assert_eq!(edited(&mut watch).await, [path.as_path()]);
        fs::write(&path, "4").expect("made anew");
        assert_eq!(edited(&mut watch).await, [path.as_path()]);
        fs::remove_dir_all(folder.path()).expect("the folder is gone");
        assert_eq!(edited(&mut watch).await, [path.as_path()]);
        fs::create_dir(folder.path()).expect("another folder of that name");
        fs::write(&path, "5").expect("file");
        assert_eq!(edited(&mut watch).await, [path.as_path()]);
    }

    #[tokio::test]
    async fn a_swapped_link_of_a_mounted_configmap_is_noticed_time_after_time() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        let write = |revision: &str| {
            fs::create_dir(root.join(revision)).expect("folder");
            fs::write(root.join(revision).join("kratos.yml"), revision).expect("file");
        };
        write("..1");
        symlink("..1", root.join("..data")).expect("link");
        symlink("..data/kratos.yml", root.join("kratos.yml")).expect("link");
        let path = root.join("kratos.yml");
        let mut watch = Watch::new(following(&[&path]), Hangup::Ends);
        for (old, new) in [("..1", "..2"), ("..2", "..3")] {
            write(new);
            symlink(new, root.join("..data_tmp")).expect("link");
            fs::rename(root.join("..data_tmp"), root.join("..data")).expect("swapped");
            fs::remove_dir_all(root.join(old)).expect("removed");
            assert_eq!(edited(&mut watch).await, [path.as_path()]);
        }
    }

    #[tokio::test]
    async fn files_that_are_followed_later_are_compared_with_what_they_hold_then() {
        let folder = tempfile::tempdir().expect("folder");
        let (first, second) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&first, "1").expect("file");
        fs::write(&second, "1").expect("file");
        let mut watch = Watch::new(following(&[&first]), Hangup::Ends);
        fs::write(&second, "2").expect("file");
        watch.follow(following(&[&first, &second]));
        fs::write(&second, "3").expect("file");
        assert_eq!(edited(&mut watch).await, [second.as_path()]);
        // What changed between a load and `follow` is not lost.
        fs::write(&first, "2").expect("file");
        watch.follow(following(&[&first]));
        assert_eq!(edited(&mut watch).await, [first.as_path()]);
    }

    #[tokio::test]
    async fn a_file_of_our_own_is_no_edit_until_somebody_else_writes_it() {
        let folder = tempfile::tempdir().expect("folder");
        let (ours, theirs) = (folder.path().join("a"), folder.path().join("b"));
        let mut watch = Watch::new(following(&[&ours, &theirs]), Hangup::Ends);
        fs::write(&theirs, "1").expect("file");
        fs::write(&ours, "1").expect("file");
        watch.made(ours.clone());
        assert_eq!(edited(&mut watch).await, [theirs.as_path()], "an edit before that is not lost");
        fs::write(&ours, "2").expect("file");
        assert_eq!(edited(&mut watch).await, [ours.as_path()]);
    }

    #[tokio::test]
    async fn a_file_that_is_being_written_is_waited_for() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("kratos.yml");
        fs::write(&path, "").expect("file");
        let mut watch = Watch::new(following(&[&path]), Hangup::Ends);
        let before = watch.last.clone();
        fs::write(&path, "half").expect("the first half");
        assert_eq!(watch.look().await, [path.as_path()]);
        fs::write(&path, "half and half").expect("all of it");
        assert_eq!(watch.settled(before).await, [path.as_path()]);
        assert!(watch.look().await.is_empty(), "the whole file was seen");
    }
}
