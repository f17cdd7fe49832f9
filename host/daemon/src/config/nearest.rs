//! What a person most likely meant by a word that is none of the known ones.

/// The word a person most likely meant.
pub(super) fn nearest<'a>(word: &str, all: &[&'a str]) -> Option<&'a str> {
    let close = |other: &&str| distance(word, other) <= 1 + word.len() / 4;
    all.iter().copied().filter(|other| close(other)).min_by_key(|other| distance(word, other))
}

/// Edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
