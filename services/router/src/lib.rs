//! The one writer of an inbox. Reserved: nothing is here yet.
