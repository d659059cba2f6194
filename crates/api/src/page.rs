//! `page` and `page_size`, the same in every list.

use wire::rule;

use crate::failure::Failure;
use crate::limits::MAX_PAGE_SIZE;
use crate::operations::Call;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: i64,
    /// Rows, at most [`MAX_PAGE_SIZE`].
    pub size: i64,
}

/// The page that a request asks for; the first, of `default_size`, where it
/// does not say.
pub fn read(call: &Call, default_size: i64) -> Result<Page, Failure> {
    page(call.number("page"), call.number("page_size"), default_size)
}

fn page(number: Option<i64>, size: Option<i64>, default_size: i64) -> Result<Page, Failure> {
    let page = Page {
        number: number.unwrap_or(1),
        size: size.unwrap_or(default_size),
    };
    for (name, value) in [("page", page.number), ("page_size", page.size)] {
        if value < 1 {
            return Err(Failure::member(name, Some(&value.to_string()), rule::MIN));
        }
    }
    if page.size > MAX_PAGE_SIZE {
        return Err(Failure::member(
            "page_size",
            Some(&page.size.to_string()),
            rule::MAX,
        ));
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_from_one_and_bounded() {
        assert_eq!(
            page(None, None, 20).unwrap(),
            Page {
                number: 1,
                size: 20
            }
        );
        assert_eq!(
            page(Some(3), Some(5), 20).unwrap(),
            Page { number: 3, size: 5 }
        );
        for (number, size) in [(0, 1), (-1, 1), (1, 0), (1, MAX_PAGE_SIZE + 1)] {
            assert!(
                page(Some(number), Some(size), 20).is_err(),
                "{number} {size}"
            );
        }
    }
}
