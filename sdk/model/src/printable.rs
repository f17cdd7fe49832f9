//! Texts of others, safe to be shown: what a component, a file or a venue says goes to terminals,
//! logs and the journal.
//!
//! Nothing in a result moves a cursor, changes a colour or hides what stands beside it, and it is
//! no longer than allowed. Doing it twice changes nothing.

/// Cut to so many bytes on a character's edge, with a sign where it was cut; characters that a
/// terminal would obey or hide are written out.
///
/// ```
/// # use hedgerow_model::printable;
/// assert_eq!(printable("\u{1b}[31mred\n", 40), "\\u{1b}[31mred\\n");
/// assert_eq!(printable("abcdefgh", 6), "abc…");
/// ```
#[must_use]
pub fn printable(text: &str, bytes: usize) -> String {
    let mut out = String::new();
    // how far it may stay when there is no room for all of it
    let mut kept = 0;
    for character in text.chars() {
        if is_hidden(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
        if out.len() > bytes {
            out.truncate(kept);
            out.push(CUT);
            break;
        }
        if out.len() + CUT.len_utf8() <= bytes {
            kept = out.len();
        }
    }
    out
}

const CUT: char = '…';

/// Whether a character is not seen as itself: it is obeyed, joins or reorders others, or is
/// nothing to the eye.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    let formats = matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    );
    character.is_control() || formats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_longer_than_allowed_and_stays_as_it_is_when_done_again() {
        for text in ["plain", "\u{1b}]0;title\u{7}", "ä…ö\u{202e}x", "\n\n\n\n\n\n", "日本語日本語"]
        {
            for bytes in 3..40 {
                let once = printable(text, bytes);
                assert!(once.len() <= bytes, "{once:?} in {bytes}");
                assert!(!once.chars().any(is_hidden), "{once:?}");
                assert_eq!(printable(&once, bytes), once);
            }
        }
    }
}
