//! The text of the path changes in memory.

use super::Kind;
use crate::ground::{Ground, Object};
use crate::race::Race;
use crate::sys::{PAGE, Text, open_by_turns};
use rustix::io::Errno;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

pub(crate) const KINDS: &[Kind] = &[
    ("text-same-length", same_length),
    ("text-other-length", other_length),
    ("text-torn", torn),
    ("text-across-pages", across_pages),
    ("text-page-closed", page_closed),
    ("text-granted", granted),
    ("text-denied", denied),
    ("text-spelling", spelling),
];

/// A path of which one word changes at once.
pub(crate) struct Word {
    pub(crate) text: Text,
    place: usize,
}

impl Word {
    /// The path `before` below the root, the word, `after`; slashes bring the word to a place where it is stored whole:
    /// the first of the second page if `across`.
    pub(crate) fn new(ground: &Ground, before: &str, word: [u8; 8], after: &str, across: bool) -> Self {
        let mut path = ground.at(before).as_os_str().as_bytes().to_vec();
        path.push(b'/');
        path.resize(path.len().next_multiple_of(8), b'/');
        let start = if across { PAGE - path.len() } else { 0 };
        let place = (start + path.len()) / 8;
        path.extend(word);
        path.extend(after.as_bytes());
        Self { text: Text::new(start, &path), place }
    }

    /// Replaces what stands behind the word.
    pub(crate) fn rest(&self, rest: &[u8]) {
        self.text.put_at(self.place + 1, rest);
    }

    /// Puts the word that is `number`'s turn.
    pub(crate) fn set(&self, words: &[[u8; 8]], number: u64) {
        let turn = usize::try_from(number).unwrap_or(0) % words.len();
        if let Some(word) = words.get(turn) {
            self.text.store(self.place, *word);
        }
    }
}

/// Flips one word of a path, which is opened all the time.
fn flipping<'a, const N: usize>(word: Word, words: [[u8; 8]; N], approved: Vec<Object>) -> Race<'a> {
    let word = Arc::new(word);
    let opened = word.clone();
    Race::new(approved, move |number| open_by_turns(number, &opened.text)).flip(move |number| word.set(&words, number))
}

const SIDES: [[u8; 8]; 2] = [*b"approved", *b"secret//"];

fn same_length(ground: &Ground) -> Result<Race<'_>, Errno> {
    let word = Word::new(ground, "", *b"approved", "/f", false);
    Ok(flipping(word, SIDES, vec![ground.object("approved/f")?]))
}

fn across_pages(ground: &Ground) -> Result<Race<'_>, Errno> {
    let word = Word::new(ground, "", *b"approved", "/f", true);
    Ok(flipping(word, SIDES, vec![ground.object("approved/f")?]))
}

fn other_length(ground: &Ground) -> Result<Race<'_>, Errno> {
    // The path either ends within the word, or goes on to the secret.
    let word = Word::new(ground, "approved", *b"f\0\0\0\0\0\0\0", "secret/f", false);
    Ok(flipping(word, [*b"f\0\0\0\0\0\0\0", *b"d/../../"], vec![ground.object("approved/f")?]))
}

fn granted(ground: &Ground) -> Result<Race<'_>, Errno> {
    // What is granted goes on to the kernel, which reads the path again: it must stand for itself there.
    let word = Word::new(ground, "", *b"granted/", "/f", false);
    let approved = vec![ground.object("approved/f")?, ground.object("granted/f")?];
    Ok(flipping(word, [*b"granted/", *b"secret//", *b"approved", *b"secret//"], approved))
}

fn denied(ground: &Ground) -> Result<Race<'_>, Errno> {
    let word = Word::new(ground, "approved", *b"visible/", "f", false);
    Ok(flipping(word, [*b"visible/", *b"hidden//"], vec![ground.object("approved/visible/f")?]))
}

fn spelling(ground: &Ground) -> Result<Race<'_>, Errno> {
    // By its text the path begins below a grant either way.
    let word = Word::new(ground, "granted/d", *b"..//f\0\0\0", "secret/f", false);
    Ok(flipping(word, [*b"..//f\0\0\0", *b"..//..//"], vec![ground.object("granted/f")?]))
}

fn torn(ground: &Ground) -> Result<Race<'_>, Errno> {
    let paths = ["approved/d/../././././d/../f", "secret/f", "approved/f", "secret/d/.././././d/../f"];
    let paths = paths.map(|name| ground.at(name).as_os_str().as_bytes().to_vec());
    let [first, ..] = &paths;
    let text = Arc::new(Text::new(0, first));
    let opened = text.clone();
    // A mixture may be the path of a directory.
    let approved = vec![ground.object("approved/f")?, ground.object("approved")?, ground.object("approved/d")?];
    let race = Race::new(approved, move |number| open_by_turns(number, &opened));
    Ok(race.flip(move |number| {
        let turn = usize::try_from(number).unwrap_or(0) % paths.len();
        paths.get(turn).into_iter().for_each(|path| text.put(path));
    }))
}

fn page_closed(ground: &Ground) -> Result<Race<'_>, Errno> {
    let word = Arc::new(Word::new(ground, "", *b"approved", "/f", true));
    let opened = word.clone();
    let race = Race::new(vec![ground.object("approved/f")?], move |number| open_by_turns(number, &opened.text));
    Ok(race.flip(move |number| {
        if number % 64 == 0 {
            word.text.without_second_page(|| (0..100).for_each(|_| std::hint::spin_loop()));
        }
        word.set(&SIDES, number);
    }))
}
