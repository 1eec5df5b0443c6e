//! Tables, figures and the page, all drawn from the saved rows.
