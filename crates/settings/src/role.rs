//! The roles that every PBX of the vendor's has. A role is what a user may
//! manage on the vendor's portals. There are no portals here, so that nobody
//! can do what a role forbids, and no place where a right would be missed: an
//! extension's role is kept, given back and named, and gives no rights.

/// The built-in roles, by id. 0 is none.
const ROLES: [(i64, &str); 6] = [
    (1, "Administrator"),
    (2, "Supervisor"),
    (3, "Operator"),
    (4, "Employee"),
    (5, "Human Resource"),
    (6, "Accounting"),
];

/// No role.
pub(crate) const NONE: i64 = 0;

/// All roles, as id and name.
pub(crate) fn roles() -> impl Iterator<Item = (i64, &'static str)> {
    ROLES.into_iter()
}

/// A role's name; none where there is no such role.
pub(crate) fn name(id: i64) -> Option<&'static str> {
    ROLES
        .iter()
        .find(|(role, _)| *role == id)
        .map(|(_, name)| *name)
}
