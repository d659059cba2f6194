//! Company contacts and phonebooks, and the name that a number is known by.
//!
//! Who is in a phonebook is kept with the contact, as a list of phonebooks, and
//! nowhere else; an index of the table of contacts has it the other way round.
//! So a phonebook of half a million contacts is one small object: its `total` is
//! counted off the index, its contacts are read off it as far as an answer goes,
//! and deleting it touches none of them. A contact may go on naming a phonebook
//! that is gone until it is written again: an id is never given twice, and what
//! is read has only the phonebooks that are there.

mod company_contact;
mod number;
mod phonebook;

pub(crate) use company_contact::CompanyContactKind;
pub use number::{Caller, CallerMatch};
pub(crate) use phonebook::{Phonebook, PhonebookKind};
