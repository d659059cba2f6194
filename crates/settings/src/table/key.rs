//! What an object is sorted and found by, as bytes whose order is the order
//! wanted.

use crate::kind::{Kind, SortKey};
use crate::record::Record;

use super::fold::fold_into;
use super::slab::BORDER;

/// An id as a key.
pub(crate) fn id_key(id: i64) -> [u8; 8] {
    // With the sign turned, negative numbers come first.
    (id ^ i64::MIN).to_be_bytes()
}

/// A sort key's bytes. What has none comes first.
pub(crate) fn sort_key(key: Option<SortKey>) -> Vec<u8> {
    match key {
        None => Vec::new(),
        Some(SortKey::Number(number)) => [&[1][..], &id_key(number)].concat(),
        Some(SortKey::Digits(length, digits)) => {
            let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
            [&[2][..], &length, digits.as_bytes()].concat()
        }
        Some(SortKey::Text(text)) => [&[3][..], text.as_bytes()].concat(),
    }
}

/// The texts that an object is searched by.
pub(crate) fn texts(kind: &dyn Kind, record: &Record) -> Vec<u8> {
    let mut texts = Vec::new();
    for text in kind.searched(record) {
        if !text.is_empty() {
            fold_into(&text, &mut texts);
            texts.push(BORDER);
        }
    }
    texts
}

/// An object's keys in an index, each once.
pub(crate) fn index_keys(kind: &dyn Kind, record: &Record, index: &str) -> Vec<Vec<u8>> {
    let mut keys = kind.index_keys(record, index);
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The fields that objects of a kind are listed by, beside `id`: the
/// contract's closed list.
pub(crate) fn fields(kind: &dyn Kind) -> Vec<&'static str> {
    let sort_by = kind
        .operation("list")
        .and_then(|list| list.member("sort_by"));
    let values = sort_by.map_or(&[][..], |member| member.values);
    let texts = values.iter().filter_map(|value| match value {
        wire::contract::Scalar::Text(field) if *field != "id" && !kind.joined().contains(field) => {
            Some(*field)
        }
        _ => None,
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_the_order_of_the_keys() {
        let keys = [
            None,
            Some(SortKey::Number(i64::MIN)),
            Some(SortKey::Number(-1)),
            Some(SortKey::Number(0)),
            Some(SortKey::Number(256)),
            Some(SortKey::digits("")),
            Some(SortKey::digits("99")),
            Some(SortKey::digits("100")),
            Some(SortKey::text("")),
            Some(SortKey::text("Ada")),
            Some(SortKey::text("adam")),
            Some(SortKey::text("สมชาย")),
        ];
        for pair in keys.windows(2) {
            assert!(pair[0] < pair[1]);
            assert!(
                sort_key(pair[0].clone()) < sort_key(pair[1].clone()),
                "{pair:?}"
            );
        }
    }
}
