//! Laws 1 and 3 of identity resolution, as property tests on a store in memory.
//!
//! | file | what is in it |
//! |---|---|
//! | `world` | a store in memory that records by the fast and the slow path, decides and retracts, with the pure code alone |
//! | `facts`, `evidence`, `operators` | what is recorded, what it does to links and standings, what operators do |
//! | `whole` | what the store must hold, computed from everything at once |
//! | `stories` | random rules and random histories over pools so small that everything meets |
//! | `past` | the set that holds one identifier at any time, found by itself, against everything at once |
//! | `sharing` | what one did on a shared device shows in nobody else's profile |
//! | `switches` | rules that change under a store, profile by profile, while others write |
//! | `steps` | the laws, after every step, and the wrong engines that they must catch |
//! | `found` | stories that were found once and went wrong |

mod evidence;
mod facts;
mod found;
mod operators;
mod past;
mod sharing;
mod steps;
mod stories;
mod switches;
mod whole;
mod world;
