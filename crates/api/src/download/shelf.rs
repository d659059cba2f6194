//! The files: what there is, how far each has got, when it goes.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::PREFIX;
use crate::limits::{DOWNLOAD_LIFE, MAX_DOWNLOAD_BYTES, MAX_DOWNLOADS, MAX_DOWNLOADS_IN_MAKING};
use crate::token::{is_random_token, random_token};

/// Who may fetch a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Who has a valid access token.
    Token,
    /// Who knows its name: a `play_resource_url`.
    Open,
}

/// What a file is called, and what it is.
#[derive(Debug, Clone)]
pub struct Label {
    /// The first part of its name: letters, digits and dashes.
    pub name: String,
    /// The last part, without the dot.
    pub extension: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Who may fetch it.
    pub access: Access,
}

/// Why no file was begun.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// As many files as may be are being made already.
    #[error("too many files in the making")]
    Busy,
    /// The directory can't be written, or there is none.
    #[error("the download directory: {0}")]
    Io(#[from] io::Error),
}

/// How far a file has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are there, and more will come.
    Growing(u64),
    /// All its bytes are there.
    Done(u64),
    /// It will not be finished.
    Failed,
}

/// A file as it can be fetched.
#[derive(Debug)]
pub struct Item {
    /// Its name, which nobody can guess.
    pub name: String,
    /// Its name as it is saved.
    pub saved_as: String,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Who may fetch it.
    pub access: Access,
    /// When it was made.
    pub made: SystemTime,
    /// Where it lies.
    pub path: PathBuf,
    until: Instant,
    /// Files made before it.
    number: u64,
    progress: watch::Receiver<Progress>,
}

/// All files.
#[derive(Debug)]
pub struct Shelf {
    dir: Option<PathBuf>,
    items: Arc<Mutex<Items>>,
    makers: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Items {
    by_name: HashMap<String, Kept>,
    /// Bytes of all of them.
    bytes: u64,
    made: u64,
}

#[derive(Debug)]
struct Kept {
    item: Arc<Item>,
    bytes: u64,
}

/// The end that a file is written at. Dropped before it is finished, the file
/// has failed and goes.
#[derive(Debug)]
pub struct FileWriter {
    file: File,
    name: String,
    written: u64,
    progress: watch::Sender<Progress>,
    items: Arc<Mutex<Items>>,
    _place: OwnedSemaphorePermit,
}

impl Shelf {
    /// A shelf in a directory. The files of an earlier process, which nobody
    /// knows any more, are removed, and nothing else. Without a directory no
    /// file can be made.
    pub fn open(dir: Option<PathBuf>) -> Result<Self, io::Error> {
        if let Some(dir) = &dir {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)?;
            for entry in fs::read_dir(dir)? {
                let entry = entry?;
                if entry.file_type()?.is_file() && is_ours(&entry.file_name()) {
                    fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(Self {
            dir,
            items: Arc::default(),
            makers: Arc::new(Semaphore::new(MAX_DOWNLOADS_IN_MAKING)),
        })
    }

    /// Begins a file. It can be fetched by its name at once.
    pub fn begin(&self, label: Label) -> Result<(Arc<Item>, FileWriter), ShelfError> {
        let dir = self
            .dir
            .as_deref()
            .ok_or(io::ErrorKind::NotFound)
            .map_err(io::Error::from)?;
        let place = self
            .makers
            .clone()
            .try_acquire_owned()
            .map_err(|_| ShelfError::Busy)?;
        self.forget_old();
        let secret = random_token().map_err(|_| io::Error::other("no randomness"))?;
        let name = format!("{}-{secret}.{}", label.name, label.extension);
        let path = dir.join(&name);
        let mut items = self.items.lock();
        while items.by_name.len() >= MAX_DOWNLOADS {
            if !items.remove_oldest() {
                return Err(ShelfError::Busy);
            }
        }
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let (sender, progress) = watch::channel(Progress::Growing(0));
        let item = Arc::new(Item {
            saved_as: format!("{}.{}", label.name, label.extension),
            content_type: label.content_type,
            access: label.access,
            made: SystemTime::now(),
            until: Instant::now() + DOWNLOAD_LIFE,
            number: items.next_number(),
            path,
            progress,
            name: name.clone(),
        });
        let kept = Kept {
            item: item.clone(),
            bytes: 0,
        };
        items.by_name.insert(name.clone(), kept);
        let writer = FileWriter {
            file,
            name,
            written: 0,
            progress: sender,
            items: self.items.clone(),
            _place: place,
        };
        Ok((item, writer))
    }

    /// The file of a name, as long as it is good.
    pub fn get(&self, name: &str) -> Option<Arc<Item>> {
        self.forget_old();
        let items = self.items.lock();
        items.by_name.get(name).map(|kept| kept.item.clone())
    }

    /// Removes the files whose time is over. Who is fetching one gets the rest.
    pub fn forget_old(&self) {
        let now = Instant::now();
        let mut items = self.items.lock();
        let old: Vec<String> = items
            .by_name
            .values()
            .filter(|kept| kept.item.until <= now)
            .map(|kept| kept.item.name.clone())
            .collect();
        for name in old {
            items.remove(&name);
        }
    }
}

/// Whether a file's name is one that [`Shelf::begin`] gives.
fn is_ours(name: &OsStr) -> bool {
    let secret = || name.to_str()?.rsplit_once('.')?.0.rsplit_once('-');
    secret().is_some_and(|(_, secret)| is_random_token(secret))
}

impl Items {
    fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Lets go of the file that was made first, of those that are whole; whether
    /// there was one. Who is fetching it gets the rest.
    fn remove_oldest(&mut self) -> bool {
        let whole = self.by_name.values().filter(|kept| {
            let progress = *kept.item.progress.borrow();
            matches!(progress, Progress::Done(_))
        });
        let oldest = whole.min_by_key(|kept| kept.item.number);
        let Some(name) = oldest.map(|kept| kept.item.name.clone()) else {
            return false;
        };
        self.remove(&name);
        true
    }

    fn remove(&mut self, name: &str) {
        let Some(kept) = self.by_name.remove(name) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(kept.bytes);
        if let Err(error) = fs::remove_file(&kept.item.path) {
            tracing::warn!(%error, name, "a file made for download is not removed");
        }
    }

    /// Counts bytes that are to be written.
    fn grow(&mut self, name: &str, bytes: u64) -> Result<(), io::Error> {
        while self.bytes.saturating_add(bytes) > MAX_DOWNLOAD_BYTES {
            if !self.remove_oldest() {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
        }
        let Some(kept) = self.by_name.get_mut(name) else {
            return Err(io::Error::other("its time is over"));
        };
        kept.bytes += bytes;
        self.bytes += bytes;
        Ok(())
    }
}

impl Item {
    /// Its path for who fetches it.
    pub fn url(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }

    /// How far it has got, and how far it will.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until nothing more comes.
    pub async fn settled(&self) -> Progress {
        let mut progress = self.progress();
        let settled = progress.wait_for(|progress| !matches!(progress, Progress::Growing(_)));
        // An error says that the writer is gone: then it has failed.
        settled.await.map_or(Progress::Failed, |progress| *progress)
    }
}

impl FileWriter {
    /// Adds to the file. It waits for the disk.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), io::Error> {
        self.items.lock().grow(&self.name, bytes.len() as u64)?;
        self.file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        self.progress.send_replace(Progress::Growing(self.written));
        Ok(())
    }

    /// All is there.
    pub fn finish(mut self) -> Result<(), io::Error> {
        self.file.flush()?;
        self.progress.send_replace(Progress::Done(self.written));
        Ok(())
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if matches!(*self.progress.borrow(), Progress::Done(_)) {
            return;
        }
        self.progress.send_replace(Progress::Failed);
        self.items.lock().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str) -> Label {
        Label {
            name: name.into(),
            extension: "txt",
            content_type: "text/plain",
            access: Access::Token,
        }
    }

    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let name = format!("strowger-shelf-{name}-{}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).unwrap().count()
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_goes_after_half_an_hour_and_at_the_next_start() {
        let dir = Dir::new("life");
        let shelf = Shelf::open(Some(dir.0.clone())).unwrap();
        let (item, mut writer) = shelf.begin(label("one")).unwrap();
        writer.write(b"text").unwrap();
        writer.finish().unwrap();
        assert_eq!(item.settled().await, Progress::Done(4));
        tokio::time::advance(DOWNLOAD_LIFE - std::time::Duration::from_secs(1)).await;
        assert!(shelf.get(&item.name).is_some());
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        assert!(shelf.get(&item.name).is_none());
        assert_eq!(dir.files(), 0);
        let (_, writer) = shelf.begin(label("two")).unwrap();
        writer.finish().unwrap();
        assert_eq!(dir.files(), 1);
        let _next = Shelf::open(Some(dir.0.clone())).unwrap();
        assert_eq!(dir.files(), 0);
    }

    #[tokio::test]
    async fn a_file_that_is_not_finished_fails_and_leaves_nothing() {
        let dir = Dir::new("fail");
        let shelf = Shelf::open(Some(dir.0.clone())).unwrap();
        let (item, mut writer) = shelf.begin(label("one")).unwrap();
        writer.write(b"half").unwrap();
        drop(writer);
        assert_eq!(item.settled().await, Progress::Failed);
        assert!(shelf.get(&item.name).is_none());
        assert_eq!((dir.files(), shelf.items.lock().bytes), (0, 0));
    }

    #[test]
    fn files_and_their_makers_are_bounded() {
        let dir = Dir::new("bound");
        let shelf = Shelf::open(Some(dir.0.clone())).unwrap();
        let making: Vec<_> = (0..MAX_DOWNLOADS_IN_MAKING)
            .map(|_| shelf.begin(label("some")).unwrap())
            .collect();
        assert!(matches!(shelf.begin(label("more")), Err(ShelfError::Busy)));
        for (_, writer) in making {
            writer.finish().unwrap();
        }
        for _ in MAX_DOWNLOADS_IN_MAKING..MAX_DOWNLOADS {
            shelf.begin(label("some")).unwrap().1.finish().unwrap();
        }
        assert_eq!(dir.files(), MAX_DOWNLOADS);
    }

    #[test]
    fn where_there_are_too_many_the_first_whole_one_makes_room() {
        let dir = Dir::new("room");
        let shelf = Shelf::open(Some(dir.0.clone())).unwrap();
        let (growing, writer) = shelf.begin(label("growing")).unwrap();
        let made: Vec<_> = (1..MAX_DOWNLOADS)
            .map(|_| {
                let (item, writer) = shelf.begin(label("some")).unwrap();
                writer.finish().unwrap();
                item
            })
            .collect();
        let (more, mut big) = shelf.begin(label("more")).unwrap();
        let there = |item: &Item| shelf.get(&item.name).is_some();
        assert!(there(&growing) && !there(&made[0]) && there(&made[1]) && there(&more));
        assert_eq!(dir.files(), MAX_DOWNLOADS);
        // The same by bytes: what is not whole stays, and a file that has no
        // room even alone is not written.
        shelf
            .items
            .lock()
            .by_name
            .get_mut(&made[1].name)
            .unwrap()
            .bytes = 5;
        shelf.items.lock().bytes = MAX_DOWNLOAD_BYTES - 1;
        big.write(b"four").unwrap();
        assert!(there(&growing) && !there(&made[1]) && there(&made[2]) && there(&more));
        shelf.items.lock().bytes = MAX_DOWNLOAD_BYTES - 1;
        assert!(big.write(b"four").is_err());
        assert!(there(&growing) && there(&more));
        drop(writer);
    }

    #[test]
    fn what_is_not_the_shelfs_stays_in_its_directory() {
        let dir = Dir::new("others");
        let others = [
            "notes.txt",
            "a-b.csv",
            "kept/cdr-0123456789abcdefABCDEF0123456789.csv",
        ];
        fs::create_dir_all(dir.0.join("kept")).unwrap();
        for name in others {
            fs::write(dir.0.join(name), "text").unwrap();
        }
        let shelf = Shelf::open(Some(dir.0.clone())).unwrap();
        let (item, writer) = shelf.begin(label("one")).unwrap();
        writer.finish().unwrap();
        let _next = Shelf::open(Some(dir.0.clone())).unwrap();
        assert!(!item.path.exists());
        assert!(others.iter().all(|name| dir.0.join(name).exists()));
    }

    #[test]
    fn without_a_directory_there_are_no_files() {
        let shelf = Shelf::open(None).unwrap();
        assert!(matches!(shelf.begin(label("one")), Err(ShelfError::Io(_))));
    }
}
