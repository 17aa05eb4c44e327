// A TaskController in plain Go: one task out at a time. Run: go run controller.go
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
)

type operation struct {
	OpID  string `json:"opId"`
	Index int    `json:"index"`
}

type request struct {
	JobHandle         string      `json:"jobHandle"`
	Request           []operation `json:"request"`
	InFlight          []operation `json:"inFlight"`
	AllUnhealthyTasks []int       `json:"allUnhealthyTasks"`
	SequenceNumber    int64       `json:"sequenceNumber"`
}

const maxOut = 1

func process(w http.ResponseWriter, r *http.Request) {
	var in request
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&in) != nil || in.JobHandle == "" {
		http.Error(w, "not a TaskControl request", http.StatusBadRequest)
		return
	}
	out, ack := map[int]bool{}, []string{} // out now or about to be: no memory is needed
	for _, index := range in.AllUnhealthyTasks {
		out[index] = true
	}
	for _, op := range in.InFlight {
		out[op.Index] = true
	}
	for _, op := range in.Request {
		if out[op.Index] || len(out) < maxOut {
			out[op.Index] = true
			ack = append(ack, op.OpID)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"ack": ack, "acknowledgedSequence": in.SequenceNumber})
}

func main() {
	fmt.Println("http://127.0.0.1:9000/")
	log.Fatal(http.ListenAndServe("127.0.0.1:9000", http.HandlerFunc(process)))
}
