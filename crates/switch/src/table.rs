//! A table with access by key only. There is deliberately no way to walk over
//! it: no input may cost more because there are more calls.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by key.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    rows: HashMap<K, V>,
    /// How often it was asked; what the tests count.
    #[cfg(test)]
    pub(crate) asked: std::cell::Cell<u64>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: HashMap::new(),
            #[cfg(test)]
            asked: std::cell::Cell::default(),
        }
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.count();
        self.rows.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.count();
        self.rows.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.count();
        self.rows.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.count();
        self.rows.remove(key)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.count();
        self.rows.contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn count(&self) {
        #[cfg(test)]
        self.asked.set(self.asked.get() + 1);
    }
}
