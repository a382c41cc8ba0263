//! A list whose copies share everything that was not changed since: copying a million items costs a thousand counts, and a
//! change afterwards copies the item, its page and its book, nothing else.
//!
//! So the fold goes on in one copy while readers hold another. Fans are small because a page that is copied counts up
//! every item on it; sizes were chosen by measuring a fold of scattered merchants.

use std::fmt;
use std::sync::Arc;

/// Items on a page.
const PAGE: usize = 16;
/// Pages in a book.
const BOOK: usize = 64;

struct Page<T>([Option<Arc<T>>; PAGE]);
struct Book<T>([Option<Arc<Page<T>>>; BOOK]);

/// A list that grows at its end; see the module.
pub struct Pages<T> {
    books: Vec<Arc<Book<T>>>,
    len: usize,
}

const fn places(index: usize) -> (usize, usize, usize) {
    (index / (PAGE * BOOK), index / PAGE % BOOK, index % PAGE)
}

impl<T> Pages<T> {
    /// Returns how many items there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Says whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the item at a place.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        let (book, page, place) = places(index);
        self.books.get(book)?.0.get(page)?.as_ref()?.0.get(place)?.as_deref()
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        let (book, page, place) = places(self.len);
        if book == self.books.len() {
            self.books.push(Arc::default());
        }
        let slot = self
            .books
            .get_mut(book)
            .and_then(|book| Arc::make_mut(book).0.get_mut(page))
            .map(|page| Arc::make_mut(page.get_or_insert_default()))
            .and_then(|page| page.0.get_mut(place));
        if let Some(slot) = slot {
            *slot = Some(Arc::new(item));
            self.len += 1;
        }
    }

    /// Returns the items in their order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let pages = self.books.iter().flat_map(|book| book.0.iter().flatten());
        pages.flat_map(|page| page.0.iter().flatten()).map(|item| &**item)
    }

    /// Returns the places whose items are not those of an earlier copy, in their order: items that were added, and items that were
    /// opened to be changed, whether or not they are other ones now. What both share is passed over page by page.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> Vec<usize> {
        fn same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
            match (one, other) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                (None, None) => true,
                _ => false,
            }
        }
        let mut changed = Vec::new();
        for (number, book) in self.books.iter().enumerate() {
            let old = before.books.get(number);
            if same(Some(book), old) {
                continue;
            }
            for (leaf, page) in book.0.iter().enumerate() {
                let old = old.and_then(|old| old.0.get(leaf)).and_then(Option::as_ref);
                let Some(page) = page.as_ref().filter(|page| !same(Some(*page), old)) else { continue };
                for (place, item) in page.0.iter().enumerate() {
                    let old = old.and_then(|old| old.0.get(place)).and_then(Option::as_ref);
                    if item.is_some() && !same(item.as_ref(), old) {
                        changed.push((number * BOOK + leaf) * PAGE + place);
                    }
                }
            }
        }
        changed
    }
}

impl<T: Clone> Pages<T> {
    /// Returns the item at a place, to be changed: in this copy only.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let (book, page, place) = places(index);
        let book = Arc::make_mut(self.books.get_mut(book)?);
        let page = Arc::make_mut(book.0.get_mut(page)?.as_mut()?);
        page.0.get_mut(place)?.as_mut().map(Arc::make_mut)
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self([const { None }; PAGE])
    }
}

impl<T> Default for Book<T> {
    fn default() -> Self {
        Self([const { None }; BOOK])
    }
}

// Derived, these would ask that items can be copied, which is just what is spared.
impl<T> Clone for Page<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for Book<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for Pages<T> {
    fn clone(&self) -> Self {
        Self { books: self.books.clone(), len: self.len }
    }
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { books: Vec::new(), len: 0 }
    }
}

impl<T: PartialEq> PartialEq for Pages<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: fmt::Debug> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T> FromIterator<T> for Pages<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut pages = Self::default();
        items.into_iter().for_each(|item| pages.push(item));
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Push(u32),
        Change(prop::sample::Index, u32),
        /// From here on a copy is kept and compared at the end.
        Copy,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => any::<u32>().prop_map(Step::Push),
            3 => (any::<prop::sample::Index>(), any::<u32>()).prop_map(|(at, value)| Step::Change(at, value)),
            1 => Just(Step::Copy),
        ]
    }

    proptest! {
        #[test]
        fn pages_are_a_list_and_a_copy_stays_as_it_was(start in 0_usize..3_000, steps in prop::collection::vec(step(), 0..200)) {
            let mut list: Vec<u32> = (0..start as u32).collect();
            let mut pages: Pages<u32> = list.iter().copied().collect();
            let mut copies = Vec::new();
            for step in steps {
                match step {
                    Step::Push(value) => {
                        list.push(value);
                        pages.push(value);
                    }
                    Step::Change(at, value) if !list.is_empty() => {
                        let at = at.index(list.len());
                        list[at] = value;
                        *pages.get_mut(at).unwrap() = value;
                    }
                    Step::Change(..) => {}
                    Step::Copy => copies.push((list.clone(), pages.clone())),
                }
            }
            for (then, before) in &copies {
                // Everything that is another value now is told; of one that nobody touched nothing is.
                let told = pages.changed_since(before);
                prop_assert!(told.is_sorted() && told.iter().all(|place| *place < list.len()));
                let other = (0..list.len()).filter(|place| then.get(*place) != list.get(*place));
                prop_assert!(other.into_iter().all(|place| told.binary_search(&place).is_ok()));
            }
            prop_assert_eq!(pages.changed_since(&pages.clone()), Vec::<usize>::new());
            copies.push((list, pages));
            for (list, pages) in copies {
                prop_assert_eq!(pages.len(), list.len());
                prop_assert!(pages.iter().eq(list.iter()));
                prop_assert_eq!(pages.get(list.len()), None);
                prop_assert_eq!(list.last(), list.len().checked_sub(1).and_then(|last| pages.get(last)));
            }
        }
    }
}
