// The peer of `make bench-peers`: the tables of plain.db behind the public module go-odata.
//
// usage: peer DATABASE PORT
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	odata "github.com/nlstn/go-odata"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

type Process struct {
	ID          string `json:"id" gorm:"column:id;primaryKey" odata:"key"`
	DisplayName string `json:"displayName" gorm:"column:displayName"`
	Status      string `json:"status" gorm:"column:status"`
	RowTotal    int64  `json:"rowTotal" gorm:"column:rowTotal"`
	Ratio       string `json:"ratio" gorm:"column:ratio"`
	Runs        []Run  `json:"runs,omitempty" gorm:"foreignKey:ProcessID;references:ID"`
}

type Run struct {
	ID            string    `json:"id" gorm:"column:id;primaryKey" odata:"key"`
	DisplayName   string    `json:"displayName" gorm:"column:displayName"`
	StartDateTime time.Time `json:"startDateTime" gorm:"column:startDateTime"`
	EndDateTime   time.Time `json:"endDateTime" gorm:"column:endDateTime"`
	Status        string    `json:"status" gorm:"column:status"`
	ProcessID     string    `json:"processId" gorm:"column:processId"`
	Statistics    string    `json:"statistics" gorm:"column:statistics"`
	Process       *Process  `json:"process,omitempty" gorm:"foreignKey:ProcessID;references:ID"`
}

func (Process) TableName() string     { return "processes" }
func (Process) EntitySetName() string { return "processes" }
func (Run) TableName() string         { return "runs" }
func (Run) EntitySetName() string     { return "runs" }

func serve(database, port string) error {
	options := &gorm.Config{
		Logger: logger.Default.LogMode(logger.Silent), PrepareStmt: true, SkipDefaultTransaction: true}
	db, err := gorm.Open(sqlite.Open(database+"?_journal_mode=WAL&_synchronous=FULL"), options)
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(8)
	service, err := odata.NewService(db)
	if err != nil {
		return err
	}
	for _, entity := range []any{&Process{}, &Run{}} {
		if err := service.RegisterEntity(entity); err != nil {
			return err
		}
	}
	return http.ListenAndServe("127.0.0.1:"+port, service)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: peer DATABASE PORT")
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, serve(os.Args[1], os.Args[2]))
	os.Exit(1)
}
