"""What all pages share: navigation, frame, state, widgets and the routes on Streamlit's own port."""
