//! Passwords made where none is told, by the rules that the strictest edition
//! has for them.

use super::failure::{Failure, Result};
use crate::credentials::random_text;

/// Signs of a password.
const LENGTH: usize = 16;

/// Letters of both cases and digits, no four digits in a row.
pub fn made() -> Result<String> {
    loop {
        let text = random_text(LENGTH).map_err(|error| Failure::here(error.to_string()))?;
        if is_strong(&text) {
            return Ok(text);
        }
    }
}

/// Digits, for a mailbox.
pub fn pin() -> Result<String> {
    const DIGITS: usize = 8;
    let mut pin = String::new();
    while pin.len() < DIGITS {
        let text = random_text(LENGTH).map_err(|error| Failure::here(error.to_string()))?;
        let digits = text.chars().filter(char::is_ascii_digit);
        pin.extend(digits.take(DIGITS - pin.len()));
    }
    Ok(pin)
}

fn is_strong(text: &str) -> bool {
    let has = |kind: fn(&char) -> bool| text.chars().any(|sign| kind(&sign));
    let mut digits = 0;
    let longest = text
        .chars()
        .map(|sign| {
            digits = if sign.is_ascii_digit() { digits + 1 } else { 0 };
            digits
        })
        .max();
    has(char::is_ascii_digit)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_uppercase)
        && longest.unwrap_or(0) < 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_keep_the_rules_and_differ() {
        let all: std::collections::HashSet<String> = (0..200).map(|_| made().unwrap()).collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|one| is_strong(one) && one.len() == LENGTH));
        assert!(!is_strong("aaaaAAAA1234aaaa") && !is_strong("aaaaaaaaaaaaaaa1"));
    }
}
