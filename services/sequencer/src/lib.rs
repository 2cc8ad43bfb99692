//! The one writer of a chat. Reserved: nothing is here yet.
