//! A client of the public protocol. Reserved: nothing is here yet.
