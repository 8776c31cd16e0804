//! Law 2, as property tests: `⊕` is exact, commutative and associative, and `fold(A ⊎ B) = fold(A) ⊕ fold(B)`.
//!
//! | file | what is in it |
//! |---|---|
//! | `made_up` | interactions from pools so small that everything meets and ties |
//! | `algebra` | the laws, for any combination of states |
//! | `naive` | what a state must be, computed another way: from sorted lists, without fold and merge |
//! | `naive_feelings` | the same of feelings |
//! | `naive_contacts` | the same of contacts |
//! | `broken` | combinations that are wrong on purpose, each of which the checks must catch |
//! | `stored` | encoding, and subjects that lie beside the state |
//! | `survivors` | survivorship: total, and independent of order |

mod algebra;
mod broken;
pub(crate) mod made_up;
mod naive;
mod naive_contacts;
mod naive_feelings;
mod naive_offers;
mod stored;
mod survivors;
