package circuit

// maxLabels bounds how many labels a circuit tells apart; the last stands for
// all others.
const maxLabels = 12

const otherLabel = "other"

// labels numbers the labels of a circuit's failures.
type labels struct {
	names [maxLabels - 1]string
	used  int
}

// number returns the label's number, giving it one while there is room.
func (l *labels) number(name string) int {
	if name == "" || name == otherLabel {
		return len(l.names)
	}
	for i, n := range l.names[:l.used] {
		if n == name {
			return i
		}
	}
	if l.used == len(l.names) {
		return len(l.names)
	}
	l.names[l.used] = name
	l.used++
	return l.used - 1
}

// name is number's inverse.
func (l *labels) name(i int) string {
	if i < l.used {
		return l.names[i]
	}
	return otherLabel
}
