//! The mapper workbench.
