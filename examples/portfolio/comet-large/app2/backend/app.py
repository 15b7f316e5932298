# TODO: implement the backend
