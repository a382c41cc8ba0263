//! Cases (亮灯处置), for the offices that follow them up.

use super::View;
use crate::domain::access::{Matter, Sight};
use crate::domain::case::Case;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use uuid::Uuid;

/// Which cases to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Also those that ended.
    pub ended: bool,
    /// With a duty that is late only.
    pub late: bool,
    /// Of merchants whose sector is to be decided only.
    pub undetermined: bool,
    /// Of this holder only.
    pub holder: Option<String>,
    /// About one merchant only.
    pub credit_code: Option<CreditCode>,
}

/// A case with what its merchant is called.
#[derive(Debug, Clone, Copy)]
pub struct CaseRow<'a> {
    /// The case.
    pub case: &'a Case,
    /// The merchant's name, if it is known.
    pub name: Option<&'a str>,
}

impl<'a> View<'a> {
    /// Lists cases, the soonest due first, those that ended last and newest first; also says how many there are in all. They are for
    /// offices among themselves.
    #[must_use]
    pub fn cases(&self, filter: &CaseFilter, skip: usize, take: usize) -> (usize, Vec<CaseRow<'a>>) {
        let (view, cases) = (*self, self.cases);
        let ended = cases.all().filter(|case| filter.ended && !case.is_open());
        let wanted = |case: &&Case| {
            (!filter.late || case.is_late(view.now))
                && (!filter.undetermined || case.sector.is_none())
                && (filter.holder.is_none() || filter.holder == case.holder)
                && filter.credit_code.is_none_or(|code| code == case.credit_code)
        };
        let goes_on = |_: &&Case| view.limit.is_none_or(|limit| !limit.is_over());
        let found: Vec<&Case> =
            cases.open().chain(ended).take_while(goes_on).filter(wanted).filter(|case| view.sees_case(case)).collect();
        (found.len(), found.into_iter().skip(skip).take(take).map(|case| view.case_row(case)).collect())
    }

    /// Returns a case.
    #[must_use]
    pub fn case(&self, id: Uuid) -> Option<CaseRow<'a>> {
        self.cases.get(id).filter(|case| self.sees_case(case)).map(|case| self.case_row(case))
    }

    /// Returns the newest case about a merchant.
    #[must_use]
    pub fn case_about(&self, code: CreditCode) -> Option<CaseRow<'a>> {
        self.cases.latest(code).filter(|case| self.sees_case(case)).map(|case| self.case_row(case))
    }

    fn sees_case(&self, case: &Case) -> bool {
        self.scope.sight(Some(Matter::Office)) == Sight::All && self.merchant(case.credit_code).is_some()
    }

    fn case_row(&self, case: &'a Case) -> CaseRow<'a> {
        let name = self.world.get(case.credit_code).and_then(|merchant| merchant.name(Position::MAX));
        CaseRow { case, name }
    }
}
