"""Messages of workers: what each must look like, and the one place where the master reads them."""
