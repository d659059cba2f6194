//! Case folding for searches: two spellings that differ in case alone become
//! one text. It is for looking things up only; what is stored and shown stays
//! as it was written.

/// A text as it is searched by.
pub(crate) fn fold(text: &str) -> Vec<u8> {
    let mut folded = Vec::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Appends a text as it is searched by, in UTF-8.
///
/// Up and down again, letter by letter: so ß meets SS, the final ς meets Σ, and
/// of Turkish the dotless ı and the dotted İ meet i and I. `str::to_lowercase`
/// would not do: it writes a Σ by the letters around it, and a part of a word
/// has other letters around it than the word. Scripts without case, such as
/// Thai, pass through.
pub(crate) fn fold_into(text: &str, folded: &mut Vec<u8>) {
    if text.is_ascii() {
        folded.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        return;
    }
    let mut letter = [0; 4];
    let mut push = |c: char| folded.extend_from_slice(c.encode_utf8(&mut letter).as_bytes());
    for c in text.chars() {
        if c.is_ascii() {
            push(c.to_ascii_lowercase());
        } else if c == 'İ' {
            // Its lower case keeps the dot as a sign of its own.
            push('i');
        } else {
            for upper in c.to_uppercase() {
                upper.to_lowercase().for_each(&mut push);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_differ_in_case_alone_are_one() {
        for (one, other) in [
            ("Ada LOVELACE", "aDA lovelace"),
            ("Straße", "STRASSE"),
            ("MÜLLER", "müller"),
            ("İstanbul", "istanbul"),
            ("Işık", "ışık"),
            ("ISPARTA", "ısparta"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("ЖУКОВ", "жуков"),
            ("ÅNGSTRÖM", "ångström"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn a_part_of_a_word_is_found_in_the_word() {
        let holds = |text: &str, part: &str| {
            let (text, part) = (fold(text), fold(part));
            text.windows(part.len()).any(|window| window == part)
        };
        assert!(holds("ΟΔΥΣΣΕΥΣ", "οδυσ"));
        assert!(holds("Großmann", "OSSM"));
        assert!(holds("สมชาย ใจดี", "ใจดี"));
        assert!(!holds("Ada", "adam"));
    }

    #[test]
    fn scripts_without_case_pass_through() {
        for text in ["สมชาย ใจดี", "山田太郎", "김철수", "محمد"] {
            assert_eq!(fold(text), text.as_bytes());
        }
    }
}
