//! Holds sessions. Reserved: nothing is here yet.
