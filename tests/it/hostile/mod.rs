//! Hostile input: every fault is named, nothing is stored of it, memory stays bounded and others are served meanwhile.

mod connections;
mod fields;
mod floods;
mod wire;
