"""What a dealer's customers wrote in public: read from its sources, counted, and searched for what needs a person."""
