//! Merchants and their evidence, as a part of the picture.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::merchant::Merchant;
use crate::domain::world::World;

impl Part for World {
    type Kept = Merchant;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        World::fold(self, seen.stamp, seen.event);
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        self.merchants().iter().for_each(|merchant| keep.one(|out| merchant.put(out)));
    }

    fn restore(&mut self, kept: Merchant) {
        self.take_over(kept);
    }
}
