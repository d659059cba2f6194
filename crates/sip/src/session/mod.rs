//! INVITE usages: the session of a caller or a callee with its dialogs.

slotmap::new_key_type! {
    /// One INVITE usage, as caller or callee. Generation-checked: the id of an
    /// ended session never means another.
    pub struct SessionId;
}

/// What a request of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Invite,
    Reinvite,
    Update,
    Bye,
}
