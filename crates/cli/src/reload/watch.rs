//! Waits until files of the configuration change, or somebody asks for a reload by SIGHUP.
//!
//! The system's notices wake us early; what counts is the content, which is also looked at every few seconds, because
//! network file systems and some container mounts send no notices.

use super::snapshot::{Followed, Places, Snapshot};
use ::notify::event::{AccessKind, AccessMode, EventKind};
use ::notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

/// How often everything is looked at without a notice.
const LOOK_EVERY: Duration = Duration::from_secs(5);
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
    notices: mpsc::Receiver<()>,
    /// So that there is always somebody who may send a notice, also without a watcher.
    _wake: mpsc::Sender<()>,
    watcher: Option<RecommendedWatcher>,
    /// Shared with the thread that hears the notices.
    places: Arc<Mutex<Places>>,
    hangups: Option<Signal>,
}

impl Watch {
    /// What the files hold now is what they are compared with. Take it before they are loaded, so that an edit in
    /// between is noticed.
    pub(crate) fn new(followed: Followed, hangup: Hangup) -> Self {
        let (wake, notices) = mpsc::channel(1);
        let places = Arc::new(Mutex::new(Places::default()));
        let (heard, hearing) = (Arc::clone(&places), wake.clone());
        let watcher = ::notify::recommended_watcher(move |event: ::notify::Result<::notify::Event>| {
            let matters = match &event {
                Ok(event) => concerns(event, &heard.lock().unwrap_or_else(PoisonError::into_inner)),
                // Notices were lost, perhaps.
                Err(_) => true,
            };
            if matters {
                // Full means that somebody is woken already.
                let _ = hearing.try_send(());
            }
        });
        let unavailable =
            |error: &dyn std::fmt::Display| tracing::debug!(%error, "files are looked at every 5 seconds");
        let hangups = match hangup {
            Hangup::Ends => None,
            Hangup::Reloads => signal(SignalKind::hangup())
                .inspect_err(|error| tracing::warn!(%error, "SIGHUP can't be listened for"))
                .ok(),
        };
        let watcher = watcher.inspect_err(|error| unavailable(error)).ok();
        let last = Snapshot::take(&followed, &Snapshot::default(), now());
        let mut watch = Self { followed: Followed::default(), last, notices, _wake: wake, watcher, places, hangups };
        watch.follow(followed);
        watch
    }

    /// From now on these files count. Those that were not followed before are compared with what they hold now.
    pub(crate) fn follow(&mut self, followed: Followed) {
        if self.followed != followed {
            let known = Snapshot::take(&followed, &self.last, now());
            self.last = known.keeping(&self.last);
            self.followed = followed;
        }
        self.listen();
    }

    /// Folders may have been replaced by others of the same name, and links may lead elsewhere now.
    fn listen(&mut self) {
        let new = Places::of(&self.followed);
        let old = std::mem::replace(&mut *self.places.lock().unwrap_or_else(PoisonError::into_inner), new.clone());
        let Some(watcher) = &mut self.watcher else { return };
        for folder in &old.folders {
            // An error says that it is gone.
            let _ = watcher.unwatch(folder);
        }
        for folder in &new.folders {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::debug!(folder = %folder.display(), %error, "this folder is looked at every 5 seconds");
            }
        }
    }

    /// Ends with the next reason to load again.
    pub(crate) async fn changed(&mut self) -> Cause {
        let mut looks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = looks.tick() => false,
                _ = self.notices.recv() => {
                    self.quiet().await;
                    false
                }
                () = hangup(&mut self.hangups) => true,
            };
            let edited = self.look().await;
            if asked {
                self.listen();
                return Cause::Asked;
            }
            if !edited.is_empty() {
                self.listen();
                return Cause::Edited(edited);
            }
        }
    }

    async fn quiet(&mut self) {
        let give_up_at = Instant::now() + QUIET_MAX;
        loop {
            let until = (Instant::now() + QUIET).min(give_up_at);
            match timeout_at(until, self.notices.recv()).await {
                Ok(Some(())) if Instant::now() < give_up_at => {}
                _ => return,
            }
        }
    }

    /// What is different from the last look.
    async fn look(&mut self) -> Vec<PathBuf> {
        let (followed, before) = (self.followed.clone(), self.last.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let found = Snapshot::take(&followed, &before, now());
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

/// Whether a notice is about something that is followed. A database in the same folder is written all the time, and
/// our own reading is told of, too.
fn concerns(event: &::notify::Event, places: &Places) -> bool {
    let is_change = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    };
    let is_ours = |path: &PathBuf| {
        let in_whole = |whole: &BTreeSet<PathBuf>| path.parent().is_some_and(|folder| whole.contains(folder));
        places.names.contains(path) || places.folders.contains(path) || in_whole(&places.whole)
    };
    event.need_rescan() || (is_change && event.paths.iter().any(is_ours))
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
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

    #[test]
    fn a_database_beside_the_file_and_our_own_reading_wake_nobody() {
        let places = Places { names: [PathBuf::from("/etc/bia/kratos.yml")].into(), ..Places::default() };
        let event = |kind, path: &str| ::notify::Event::new(kind).add_path(path.into());
        let write = EventKind::Modify(::notify::event::ModifyKind::Any);
        assert!(concerns(&event(write, "/etc/bia/kratos.yml"), &places));
        assert!(!concerns(&event(write, "/etc/bia/bia.sqlite-wal"), &places));
        let read = EventKind::Access(AccessKind::Open(AccessMode::Any));
        assert!(!concerns(&event(read, "/etc/bia/kratos.yml"), &places));
    }
}
