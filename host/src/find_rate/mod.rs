//! The search for a learning rate: raise it until the cost oscillates, then back off.
//!
//! This is the procedure of the notes ("start by finding a small learning rate which works, then
//! increase it until the cost starts to oscillate; set it slightly below this value") and of
//! Nielsen's chapter 3, section "How to choose a neural network's hyper-parameters?", made definite:
//!
//! 1. Every rate gets a short training of its own. All begin with the same weights and take the same
//!    mini-batches, and the rate stays as it is ([`probe`]).
//! 2. Each is judged by the cost of the same training samples at fifty points on the way: it falls,
//!    oscillates, ends higher than with a smaller rate, or diverges ([`judge`]).
//! 3. Rates rise from 0.0001 by factors of the root of 10 until two have failed, not counting those
//!    on a plateau that smaller rates are on as well. Between the last that fell and the next, three
//!    more are tried, each in the middle of what is left ([`search`]). The largest that fell is the
//!    threshold.
//! 4. Half the threshold is suggested, which is Nielsen's factor too: a rate has to stay usable over
//!    many more epochs. A short training confirms it.

pub mod judge;
pub mod probe;
pub mod search;
