"""The whole way of one organisation, from form to notification, on the embedded authority."""
