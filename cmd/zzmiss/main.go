package main
import ("bufio";"fmt";"os";"strings";"github.com/pgmini/pgmini/sql/builtin";"github.com/pgmini/pgmini/sql/types")
func main(){ s:=bufio.NewScanner(os.Stdin); s.Buffer(make([]byte,1<<20),1<<20); for s.Scan(){ f:=strings.Split(s.Text(),"|"); if f[3]=="a"||f[3]=="w"{continue}; if _,ok:=builtin.Lookup(f[0]);ok{continue}; _,a:=types.In(f[0]);_,b:=types.Out(f[0]);_,c:=types.Recv(f[0]);_,d:=types.Send(f[0]); if a||b||c||d {continue}; fmt.Println(s.Text())}}
