package disk

type space struct{}

func (*space) admit(bytes int64) error { return nil }
func (*space) admitRelief() error      { return nil }
