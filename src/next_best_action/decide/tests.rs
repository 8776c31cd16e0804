mod laws;
mod made_up;
mod stories;
