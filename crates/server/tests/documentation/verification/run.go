// Runs the snippet of the documentation, saved as webhooks/snippet.go, on the cases of standard input.
package main

import (
	"encoding/json"
	"os"
	"time"

	"plextera.test/webhooks"
)

func main() {
	var cases []struct {
		Secret, Header string
		Body           []byte
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	verdicts := make([]bool, len(cases))
	for index, one := range cases {
		verdicts[index] = webhooks.Verify(one.Secret, one.Header, one.Body, time.Now())
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}
